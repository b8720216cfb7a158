#pragma once

// AES-GCM of libipsec-mb, where it was there to compile against and is there to run. Nothing links against it: it is loaded
// when it is asked for, and a system without it, or of another architecture, goes without.

#include <stddef.h>
#include <stdint.h>

/// The library's own types: a key with all that is precomputed of it, and what it works with during a call.
struct gcm_key_data;
struct gcm_context_data;

/// Seals or opens in one go. `from` and `to` may be the same; the nonce has 12 bytes. The tag of what was given or made is
/// written to `tag`, also when opening: the caller compares it.
typedef void (*qrate_gcm_function)(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *to,
                                   const uint8_t *from, uint64_t count, const uint8_t *nonce, const uint8_t *header,
                                   uint64_t header_count, uint8_t *tag, uint64_t tag_count);

/// The functions for one size of keys, as the library has chosen them for this processor.
struct qrate_gcm {
    /// Precomputes what `seal` and `open` need of a raw key.
    void (*expand)(const void *raw, struct gcm_key_data *key);
    qrate_gcm_function seal;
    qrate_gcm_function open;
};

struct qrate_gcm_library {
    struct qrate_gcm aes128;
    struct qrate_gcm aes256;
    /// Bytes; to be aligned to `alignment`.
    size_t key_size;
    size_t context_size;
    size_t alignment;
};

/// Loads the library, for the life of the process. Takes some 0.5 ms.
///
/// Returns 0, or -1 when there is none that fits what this was compiled with.
int qrate_gcm_load(struct qrate_gcm_library *library);
