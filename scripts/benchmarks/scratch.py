"""The folder that programs work in: certificates and files, each made when first asked for."""

import os
import shutil
from pathlib import Path

from benchmarks.processes import Programs
from benchmarks.runs import PATIENCE, found


class Scratch:
    """Everybody presents the same certificate, so that nobody's handshake is cheaper for its key."""

    def __init__(self, programs: Programs) -> None:
        self.programs, self.folder = programs, programs.folder
        self.file("one", 1)

    def credentials(self) -> tuple[Path, Path]:
        """Certificate and key: ECDSA P-256, as qrate makes its own."""
        certificate, key = self.folder / "certificate.pem", self.folder / "key.pem"
        if not certificate.exists():
            certtool, template = found("certtool"), self.folder / "template"
            template.write_text(
                'cn = "localhost"\ndns_name = "localhost"\nip_address = "127.0.0.1"\ntls_www_server\nsigning_key\n',
                encoding="ascii")
            make_key = ["--generate-privkey", "--key-type=ecdsa", "--curve=secp256r1", f"--outfile={key}"]
            self.programs.run([certtool, *make_key], PATIENCE)
            sign = ["--generate-self-signed", f"--load-privkey={key}", f"--template={template}"]
            self.programs.run([certtool, *sign, f"--outfile={certificate}"], PATIENCE)
        return certificate, key

    def file(self, name: str, size: int) -> None:
        with open(self.folder / name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)

    def most(self, size: int) -> int:
        """No more than is reasonable: the folder may lie in memory, and a fast machine must not be made to fill it."""
        return min(size, shutil.disk_usage(self.folder).free // 4)
