#ifndef SCALEODM_CSHIMS_H
#define SCALEODM_CSHIMS_H

// Variadic and macro-only C functions, which Swift does not import, as plain ones.
// _GNU_SOURCE is defined in shims.c only: in an imported header it breaks debug test builds.
// No header that declares sockets is included here, libcurl's neither: in optimised builds Swift would hold this module
// for the owner of `sockaddr`, and files that only import Glibc would not find it.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

struct sockaddr;

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
/// How many processors the process may run on; at least 1.
int shim_usable_processors(void);
/// memmem(3): linear whatever the input. NULL when absent.
const void *shim_find(const void *haystack, size_t haystack_length, const void *needle, size_t needle_length);
/// Names the calling thread; at most 15 characters show.
void shim_name_thread(const char *name);
/// sync_file_range(2): starts to write a range of a file to its disk, or waits until that was done.
int shim_start_writeback(int descriptor, int64_t offset, int64_t length);
int shim_await_writeback(int descriptor, int64_t offset, int64_t length);
/// Which kind of file system a file is on (fstatfs(2)'s f_type), or -1.
int64_t shim_file_system(int descriptor);
/// Columns of a terminal (TIOCGWINSZ), or -1.
int shim_terminal_columns(int descriptor);

#endif
