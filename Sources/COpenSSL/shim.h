// What the pool needs of OpenSSL 3: TLS from libssl; SCRAM-SHA-256, certificates and random bytes from libcrypto.
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// OpenSSL's macros, which Swift does not see.

/// TLS 1.2 and later, small idle connections, and buffers that may have moved when a write is repeated.
static inline void copenssl_prepare(SSL_CTX *context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  // Tickets keep a session at the client; there is no cache to grow.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
}

static inline int copenssl_cipher_count(STACK_OF(SSL_CIPHER) *ciphers) { return ciphers ? sk_SSL_CIPHER_num(ciphers) : 0; }

/// Those of TLS 1.3 have names that begin with "TLS_".
static inline const char *copenssl_cipher_name(STACK_OF(SSL_CIPHER) *ciphers, int index) {
  return SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, index));
}

static inline int copenssl_set_server_name(SSL *ssl, const char *name) { return (int)SSL_set_tlsext_host_name(ssl, name); }

static inline int copenssl_alpn_select(const unsigned char **out, unsigned char *length, const unsigned char *offered,
                                       unsigned int offered_length) {
  static const unsigned char ours[] = "\x0apostgresql";
  unsigned char *selected = 0;
  int result = SSL_select_next_proto(&selected, length, ours, sizeof ours - 1, offered, offered_length);
  *out = selected;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

#endif
