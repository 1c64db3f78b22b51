// A new file of the folder comes in twice: its bytes, and its line of the table. A test compares the table with the folder.
#include "shared.h"

static const unsigned char index_html[] = {
#embed "dashboard/index.html"
};
static const unsigned char advice_js[] = {
#embed "dashboard/advice.js"
};
static const unsigned char api_js[] = {
#embed "dashboard/api.js"
};
static const unsigned char backend_page_js[] = {
#embed "dashboard/backend-page.js"
};
static const unsigned char backends_page_js[] = {
#embed "dashboard/backends-page.js"
};
static const unsigned char dialog_js[] = {
#embed "dashboard/dialog.js"
};
static const unsigned char figures_js[] = {
#embed "dashboard/figures.js"
};
static const unsigned char live_js[] = {
#embed "dashboard/live.js"
};
static const unsigned char main_js[] = {
#embed "dashboard/main.js"
};
static const unsigned char output_js[] = {
#embed "dashboard/output.js"
};
static const unsigned char overview_page_js[] = {
#embed "dashboard/overview-page.js"
};
static const unsigned char page_css[] = {
#embed "dashboard/page.css"
};
static const unsigned char parts_js[] = {
#embed "dashboard/parts.js"
};
static const unsigned char path_js[] = {
#embed "dashboard/path.js"
};
static const unsigned char plot_js[] = {
#embed "dashboard/plot.js"
};
static const unsigned char queue_page_js[] = {
#embed "dashboard/queue-page.js"
};
static const unsigned char refresher_js[] = {
#embed "dashboard/refresher.js"
};
static const unsigned char store_js[] = {
#embed "dashboard/store.js"
};
static const unsigned char switches_js[] = {
#embed "dashboard/switches.js"
};
static const unsigned char task_actions_js[] = {
#embed "dashboard/task-actions.js"
};
static const unsigned char task_page_js[] = {
#embed "dashboard/task-page.js"
};
static const unsigned char tasks_page_js[] = {
#embed "dashboard/tasks-page.js"
};
static const unsigned char tree_js[] = {
#embed "dashboard/tree.js"
};
static const unsigned char words_js[] = {
#embed "dashboard/words.js"
};

static const struct cpages_file files[] = {
    SHARED_FILES,
    {"index.html", index_html, sizeof index_html},
    {"advice.js", advice_js, sizeof advice_js},
    {"api.js", api_js, sizeof api_js},
    {"backend-page.js", backend_page_js, sizeof backend_page_js},
    {"backends-page.js", backends_page_js, sizeof backends_page_js},
    {"dialog.js", dialog_js, sizeof dialog_js},
    {"figures.js", figures_js, sizeof figures_js},
    {"live.js", live_js, sizeof live_js},
    {"main.js", main_js, sizeof main_js},
    {"output.js", output_js, sizeof output_js},
    {"overview-page.js", overview_page_js, sizeof overview_page_js},
    {"page.css", page_css, sizeof page_css},
    {"parts.js", parts_js, sizeof parts_js},
    {"path.js", path_js, sizeof path_js},
    {"plot.js", plot_js, sizeof plot_js},
    {"queue-page.js", queue_page_js, sizeof queue_page_js},
    {"refresher.js", refresher_js, sizeof refresher_js},
    {"store.js", store_js, sizeof store_js},
    {"switches.js", switches_js, sizeof switches_js},
    {"task-actions.js", task_actions_js, sizeof task_actions_js},
    {"task-page.js", task_page_js, sizeof task_page_js},
    {"tasks-page.js", tasks_page_js, sizeof tasks_page_js},
    {"tree.js", tree_js, sizeof tree_js},
    {"words.js", words_js, sizeof words_js},
};

struct cpages_set cpages_dashboard(void) { return (struct cpages_set){files, sizeof files / sizeof *files}; }
