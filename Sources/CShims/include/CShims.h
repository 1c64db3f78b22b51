#ifndef SCALEODM_CSHIMS_H
#define SCALEODM_CSHIMS_H

// Variadic and macro-only C functions, which Swift does not import, as plain ones.
// _GNU_SOURCE is defined in shims.c only: in an imported header it breaks debug test builds.

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

int shim_set_nonblocking(int descriptor);
/// Bytes readable now (FIONREAD), or -1.
int shim_bytes_readable(int descriptor);
/// splice(2) with SPLICE_F_MOVE | SPLICE_F_NONBLOCK.
ptrdiff_t shim_splice(int from, int to, size_t length);
int shim_pipe_nonblocking(int ends[2]);
int shim_pipe_set_size(int descriptor, int bytes);
/// accept4(2) with SOCK_NONBLOCK | SOCK_CLOEXEC.
int shim_accept(int listener, struct sockaddr *address, unsigned int *length);
int shim_open(const char *path, int flags, unsigned int mode);
int shim_pin_to_core(int core);
/// memmem(3): linear whatever the input. NULL when absent.
const void *shim_find(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
/// Names the calling thread; at most 15 characters show.
void shim_name_thread(const char *name);
/// sync_file_range(2): starts to write a range of a file to its disk, or waits until that was done.
int shim_start_writeback(int descriptor, int64_t offset, int64_t length);
int shim_await_writeback(int descriptor, int64_t offset, int64_t length);

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
