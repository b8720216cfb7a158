// GnuTLS 3.7.9: sessions, certificates, random numbers. Only Security and QUICCore import this module.
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <gnutls/crypto.h>
#include <gnutls/abstract.h>
