// ngtcp2 0.12.1 and its GnuTLS glue. Only QUICCore imports this module.
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
