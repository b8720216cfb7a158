#include "qrate_packet_ciphers.h"

#if defined(__x86_64__) && __has_include(<intel-ipsec-mb.h>)

#include <dlfcn.h>
#include <intel-ipsec-mb.h>

enum { KEY_ALIGNMENT = 64 };

_Static_assert(_Alignof(struct gcm_key_data) <= KEY_ALIGNMENT, "keys are aligned");

/// The functions are found in the manager, a struct that may change from one minor version to the next.
static int fits(unsigned version) { return version >> 8 == IMB_VERSION_NUM >> 8; }

int qrate_gcm_load(struct qrate_gcm_library *library) {
    void *handle = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!handle) return -1;
    __typeof__(&imb_get_version) get_version = dlsym(handle, "imb_get_version");
    __typeof__(&alloc_mb_mgr) allocate = dlsym(handle, "alloc_mb_mgr");
    __typeof__(&init_mb_mgr_auto) initialize = dlsym(handle, "init_mb_mgr_auto");
    __typeof__(&free_mb_mgr) release = dlsym(handle, "free_mb_mgr");
    IMB_MGR *manager = NULL;
    if (get_version && allocate && initialize && release && fits(get_version())) manager = allocate(0);
    if (!manager) {
        dlclose(handle);
        return -1;
    }
    IMB_ARCH arch = IMB_ARCH_NONE;
    initialize(manager, &arch);
    library->aes128 = (struct qrate_gcm){manager->gcm128_pre, manager->gcm128_enc, manager->gcm128_dec};
    library->aes256 = (struct qrate_gcm){manager->gcm256_pre, manager->gcm256_enc, manager->gcm256_dec};
    library->key_size = sizeof(struct gcm_key_data);
    library->context_size = sizeof(struct gcm_context_data);
    library->alignment = KEY_ALIGNMENT;
    // IMB_ARCH_NOAESNI is an emulation, for processors without AES.
    int usable = arch >= IMB_ARCH_SSE && manager->imb_errno == 0 && library->aes128.expand && library->aes128.seal &&
                 library->aes128.open && library->aes256.expand && library->aes256.seal && library->aes256.open;
    release(manager);  // the functions belong to the library, and need none
    if (!usable) dlclose(handle);
    return usable ? 0 : -1;
}

#else

int qrate_gcm_load(struct qrate_gcm_library *library) {
    (void)library;
    return -1;
}

#endif
