// libcurl's easy interface. curl_easy_setopt and curl_easy_getinfo are variadic, which Swift cannot call.
#pragma once
#define OPENSSL_SUPPRESS_DEPRECATED
#include <curl/curl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
