#ifndef SCALEODM_CPAGES_SHARED_H
#define SCALEODM_CPAGES_SHARED_H

// The files that both pages have. A new file comes in twice: its bytes, and its line of the table.
#include "CPages.h"

// The language of the C targets is C17, where clang has `#embed` as an extension.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char dom_js[] = {
#embed "shared/dom.js"
};
static const unsigned char format_js[] = {
#embed "shared/format.js"
};
static const unsigned char icon_svg[] = {
#embed "shared/icon.svg"
};
static const unsigned char theme_css[] = {
#embed "shared/theme.css"
};

/// Lines of a page's table.
#define SHARED_FILES                                                                                                   \
    {"dom.js", dom_js, sizeof dom_js}, {"format.js", format_js, sizeof format_js},                                     \
        {"icon.svg", icon_svg, sizeof icon_svg}, {"theme.css", theme_css, sizeof theme_css}

#endif
