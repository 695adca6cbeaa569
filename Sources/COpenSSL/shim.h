// What the pool needs of OpenSSL 3's libcrypto: SCRAM-SHA-256 and random bytes.
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
