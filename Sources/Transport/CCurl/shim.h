// libcurl's easy interface and the parts of OpenSSL 3.0 that a TLS client with an external key needs.
// curl_easy_setopt and curl_easy_getinfo are variadic and some OpenSSL calls are macros: Swift can call neither, so
// they get typed functions here. The parentheses round curl_easy_* keep curl's type-checking macros out.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <curl/curl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

static inline CURLcode bootgate_curl_set_long(CURL *handle, CURLoption option, long value) {
    return (curl_easy_setopt)(handle, option, value);
}
static inline CURLcode bootgate_curl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
    return (curl_easy_setopt)(handle, option, value);
}
static inline CURLcode bootgate_curl_set_string(CURL *handle, CURLoption option, const char *value) {
    return (curl_easy_setopt)(handle, option, value);
}
static inline CURLcode bootgate_curl_set_pointer(CURL *handle, CURLoption option, const void *value) {
    return (curl_easy_setopt)(handle, option, value);
}
static inline CURLcode bootgate_curl_set_list(CURL *handle, CURLoption option, struct curl_slist *value) {
    return (curl_easy_setopt)(handle, option, value);
}
/* The bytes are copied. */
static inline CURLcode bootgate_curl_set_blob(CURL *handle, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = {(void *)bytes, count, CURL_BLOB_COPY};
    return (curl_easy_setopt)(handle, option, &blob);
}
typedef size_t (*bootgate_curl_write_callback)(char *bytes, size_t size, size_t count, void *context);
static inline CURLcode bootgate_curl_set_write(CURL *handle, bootgate_curl_write_callback callback) {
    return (curl_easy_setopt)(handle, CURLOPT_WRITEFUNCTION, callback);
}
typedef int (*bootgate_curl_progress_callback)(
    void *context, curl_off_t downTotal, curl_off_t down, curl_off_t upTotal, curl_off_t up);
static inline CURLcode bootgate_curl_set_progress(CURL *handle, bootgate_curl_progress_callback callback) {
    return (curl_easy_setopt)(handle, CURLOPT_XFERINFOFUNCTION, callback);
}
typedef CURLcode (*bootgate_curl_ssl_context_callback)(CURL *handle, void *sslContext, void *context);
static inline CURLcode bootgate_curl_set_ssl_context(CURL *handle, bootgate_curl_ssl_context_callback callback) {
    return (curl_easy_setopt)(handle, CURLOPT_SSL_CTX_FUNCTION, callback);
}
static inline CURLcode bootgate_curl_get_long(CURL *handle, CURLINFO info, long *value) {
    return (curl_easy_getinfo)(handle, info, value);
}
static inline CURLcode bootgate_curl_get_size(CURL *handle, CURLINFO info, curl_off_t *value) {
    return (curl_easy_getinfo)(handle, info, value);
}

static inline CURLcode bootgate_curl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline int bootgate_ec_key_new_index(void) {
    return CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EC_KEY, 0, NULL, NULL, NULL, NULL);
}
static inline int bootgate_ssl_ctx_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}
typedef int (*bootgate_ecdsa_sign)(
    int type, const unsigned char *digest, int digestSize, unsigned char *signature, unsigned int *signatureSize,
    const BIGNUM *kinv, const BIGNUM *r, EC_KEY *key);
/* A method that signs with `sign` and refuses every other way to sign. */
static inline EC_KEY_METHOD *bootgate_ec_key_method_new(bootgate_ecdsa_sign sign) {
    EC_KEY_METHOD *method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (method != NULL) EC_KEY_METHOD_set_sign(method, sign, NULL, NULL);
    return method;
}
