#ifndef SCALEODM_CCURLSHIMS_H
#define SCALEODM_CCURLSHIMS_H

// libcurl's variadic functions, which Swift does not import, as plain ones; a module of its own, see CShims.h.

#include <curl/curl.h>
#include <stdint.h>

CURLcode shim_curl_setopt_long(CURL *handle, CURLoption option, long value);
CURLcode shim_curl_setopt_offset(CURL *handle, CURLoption option, int64_t value);
CURLcode shim_curl_setopt_pointer(CURL *handle, CURLoption option, void *value);
CURLcode shim_curl_setopt_string(CURL *handle, CURLoption option, const char *value);
CURLcode shim_curl_setopt_data_function(
    CURL *handle, CURLoption option, size_t (*function)(char *, size_t, size_t, void *));
CURLcode shim_curl_setopt_opensocket_function(
    CURL *handle, curl_socket_t (*function)(void *, curlsocktype, struct curl_sockaddr *));
CURLcode shim_curl_setopt_closesocket_function(CURL *handle, int (*function)(void *, curl_socket_t));
CURLcode shim_curl_setopt_seek_function(CURL *handle, int (*function)(void *, curl_off_t, int));
CURLcode shim_curl_getinfo_long(CURL *handle, CURLINFO info, long *value);
CURLcode shim_curl_getinfo_offset(CURL *handle, CURLINFO info, int64_t *value);
CURLcode shim_curl_getinfo_pointer(CURL *handle, CURLINFO info, void **value);
CURLMcode shim_curl_multi_setopt_long(CURLM *multi, CURLMoption option, long value);
CURLMcode shim_curl_multi_setopt_pointer(CURLM *multi, CURLMoption option, void *value);
CURLMcode shim_curl_multi_setopt_socket_function(
    CURLM *multi, int (*function)(CURL *, curl_socket_t, int, void *, void *));
CURLMcode shim_curl_multi_setopt_timer_function(CURLM *multi, int (*function)(CURLM *, long, void *));

#endif
