// A new file of the folder comes in twice: its bytes, and its line of the table. A test compares the table with the folder.
#include "shared.h"

static const unsigned char index_html[] = {
#embed "dashboard/index.html"
};

static const struct cpages_file files[] = {
    SHARED_FILES,
    {"index.html", index_html, sizeof index_html},
};

struct cpages_set cpages_dashboard(void) { return (struct cpages_set){files, sizeof files / sizeof *files}; }
