#ifndef SCALEODM_CPAGES_H
#define SCALEODM_CPAGES_H

// The files of the web pages, as they are in the program. `#embed` puts bytes into an object file at once, where a Swift array
// literal of the same size takes the compiler minutes.

#include <stddef.h>

/// One file; the bytes live as long as the program.
struct cpages_file {
    const char *name;
    const unsigned char *bytes;
    size_t length;
};

/// The files of one folder.
struct cpages_set {
    const struct cpages_file *files;
    size_t count;
};

/// Sources/CPages/front: the page at `/` of the client listener.
struct cpages_set cpages_front(void);
/// Sources/CPages/dashboard: the page at `/` of the admin listener.
struct cpages_set cpages_dashboard(void);

#endif
