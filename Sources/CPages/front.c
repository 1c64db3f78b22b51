// A new file of the folder comes in twice: its bytes, and its line of the table. A test compares the table with the folder.
#include "shared.h"

static const unsigned char console_view_js[] = {
#embed "front/console-view.js"
};
static const unsigned char dialogs_js[] = {
#embed "front/dialogs.js"
};
static const unsigned char dropping_js[] = {
#embed "front/dropping.js"
};
static const unsigned char form_js[] = {
#embed "front/form.js"
};
static const unsigned char index_html[] = {
#embed "front/index.html"
};
static const unsigned char keeping_js[] = {
#embed "front/keeping.js"
};
static const unsigned char known_tasks_js[] = {
#embed "front/known-tasks.js"
};
static const unsigned char main_js[] = {
#embed "front/main.js"
};
static const unsigned char node_js[] = {
#embed "front/node.js"
};
static const unsigned char option_groups_js[] = {
#embed "front/option-groups.js"
};
static const unsigned char options_js[] = {
#embed "front/options.js"
};
static const unsigned char page_css[] = {
#embed "front/page.css"
};
static const unsigned char task_card_js[] = {
#embed "front/task-card.js"
};
static const unsigned char task_list_js[] = {
#embed "front/task-list.js"
};
static const unsigned char token_js[] = {
#embed "front/token.js"
};
static const unsigned char upload_view_js[] = {
#embed "front/upload-view.js"
};
static const unsigned char upload_js[] = {
#embed "front/upload.js"
};

static const struct cpages_file files[] = {
    SHARED_FILES,
    {"console-view.js", console_view_js, sizeof console_view_js},
    {"dialogs.js", dialogs_js, sizeof dialogs_js},
    {"dropping.js", dropping_js, sizeof dropping_js},
    {"form.js", form_js, sizeof form_js},
    {"index.html", index_html, sizeof index_html},
    {"keeping.js", keeping_js, sizeof keeping_js},
    {"known-tasks.js", known_tasks_js, sizeof known_tasks_js},
    {"main.js", main_js, sizeof main_js},
    {"node.js", node_js, sizeof node_js},
    {"option-groups.js", option_groups_js, sizeof option_groups_js},
    {"options.js", options_js, sizeof options_js},
    {"page.css", page_css, sizeof page_css},
    {"task-card.js", task_card_js, sizeof task_card_js},
    {"task-list.js", task_list_js, sizeof task_list_js},
    {"token.js", token_js, sizeof token_js},
    {"upload-view.js", upload_view_js, sizeof upload_view_js},
    {"upload.js", upload_js, sizeof upload_js},
};

struct cpages_set cpages_front(void) { return (struct cpages_set){files, sizeof files / sizeof *files}; }
