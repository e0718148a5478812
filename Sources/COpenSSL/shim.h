// SPDX-License-Identifier: Apache-2.0
// libssl's macros as functions.
#ifndef WMAIL_COPENSSL_H
#define WMAIL_COPENSSL_H
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

static inline void wm_ctx_set_versions(SSL_CTX *context, int only_newest) {
    SSL_CTX_set_min_proto_version(context, only_newest ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
}
static inline void wm_ctx_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    // A record's head and body with one read(2).
    SSL_CTX_set_read_ahead(context, 1);
}
static inline void wm_ctx_set_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
}
static inline void wm_ctx_disable_session_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline void wm_ctx_disable_tickets(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
}
static inline long wm_ctx_set_ticket_keys(SSL_CTX *context, void *keys, long count) {
    return SSL_CTX_set_tlsext_ticket_keys(context, keys, count);
}
static inline int wm_ctx_set_groups(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}
static inline int wm_ctx_add_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add0_chain_cert(context, certificate);
}
static inline void wm_ctx_set_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *), void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}
static inline void wm_ctx_enable_client_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}
static inline int wm_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}
/* What a BIO says when it has, or takes, nothing now. */
static inline void wm_bio_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline void wm_bio_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void wm_bio_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline BIO *wm_memory_bio(const void *bytes, int count) { return BIO_new_mem_buf(bytes, count); }

/* Looking at certificates. */
static inline int wm_general_names_count(GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
/* The name at an index if it is a host's; not ended by a zero. */
static inline const unsigned char *wm_general_names_dns(GENERAL_NAMES *names, int index, int *length) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    if (name->type != GEN_DNS) return NULL;
    *length = ASN1_STRING_length(name->d.dNSName);
    return ASN1_STRING_get0_data(name->d.dNSName);
}
static inline void wm_general_names_free(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }
/* X509_V_OK, or why there is no way from the certificate to an authority; dates do not count. The issuer is that of
   the certificate at which the way ends. */
static inline int wm_verify(X509_STORE *store, X509 *leaf, X509 *const *others, int count, char *issuer, int size) {
    STACK_OF(X509) *stack = sk_X509_new_null();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int code = X509_V_ERR_OUT_OF_MEM;
    if (stack && context) {
        for (int index = 0; index < count; index++) sk_X509_push(stack, others[index]);
        if (X509_STORE_CTX_init(context, store, leaf, stack) == 1) {
            X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context), X509_V_FLAG_NO_CHECK_TIME);
            code = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
            X509 *last = X509_STORE_CTX_get_current_cert(context);
            if (last) X509_NAME_oneline(X509_get_issuer_name(last), issuer, size);
        }
    }
    X509_STORE_CTX_free(context);
    sk_X509_free(stack);
    return code;
}

#endif
