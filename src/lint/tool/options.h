/* lint/tool/options.h: what the program was told, on its command line and in .vouch-lint. */
#ifndef LINT_TOOL_OPTIONS_H
#define LINT_TOOL_OPTIONS_H

#include "base/arena.h"
#include <vouch/lint.h>

enum tool_task { TASK_LINT, TASK_EXPLAIN, TASK_LIST, TASK_HELP, TASK_VERSION };
enum tool_format { FORMAT_TEXT, FORMAT_JSON, FORMAT_SARIF };
enum tool_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

struct options {
    struct arena arena; /* of all strings that are not the command line's */
    enum tool_task task;
    enum tool_format format;
    enum tool_color color;
    vouch_lint_severity fail_on;
    vouch_lint_kind kind;
    bool numkeys_known;
    uint32_t numkeys;
    const char *target, *rules, *server, *stdin_name, *explain;
    /* Severities: those of the command line come last, and so they win. `froms` says where each is from. */
    vouch_lint_setting *settings;
    const char **froms;
    size_t setting_count, setting_capacity, from_capacity;
    /* Where the others are from, "PATH:LINE"; NULL: the command line. */
    const char *target_from, *rules_from;
    const char **files; /* as they stand on the command line */
    size_t file_count, file_capacity;
    const char *config; /* --config */
    bool no_config;
    const char *kind_from, *kind_name; /* of the last --eval or --function */
};

/* Where a setting stands. */
struct origin {
    const char *from;   /* "PATH:LINE"; NULL: the command line */
    const char *folder; /* what its paths are relative to; NULL: the current folder */
};

/* What went wrong, for a person. */
#define TOOL_MESSAGE_MAX 1024
struct fault {
    char message[TOOL_MESSAGE_MAX];
};
bool fault_set(struct fault *fault, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* returns false */

/* Reads the command line, and before it, so that it wins, the file of defaults. False: *fault says why. */
bool options_read(struct options *o, int argc, char **argv, struct fault *fault);
void options_free(struct options *o);

/* Sets one option by its name, without the dashes; `value` is NULL if none was given. */
bool options_set(struct options *o, const char *name, const char *value,
                 const struct origin *origin, struct fault *fault);
/* Whether it takes a value, and may stand in a file; false: there is none of that name. */
bool options_known(const char *name, bool *takes_value, bool *in_files);

/* Reads one file of defaults. */
bool config_read(struct options *o, const char *path, struct fault *fault);
/* The .vouch-lint of the current folder or the nearest above it, in the arena; NULL: there is none. */
const char *config_find(struct options *o);

/* printf into the arena; NULL: memory is short. */
const char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
