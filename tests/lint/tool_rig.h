#ifndef LINT_TOOL_RIG_H
#define LINT_TOOL_RIG_H

#include <stdbool.h>

/* vouch-lint, run by a shell in a folder of its own, which is fresh for each test. */

void tool_begin(void);
void tool_end(void);
/* The folder. */
const char *tool_folder(void);

/* What the last run left: valid until the next. */
struct tool_run {
    int status;
    char *out, *err;
};
extern struct tool_run tool;

/* Runs `lint …`, where `lint` stands for the program: any words of a shell. */
__attribute__((format(printf, 1, 2))) void tool_run(const char *format, ...);
/* The same with a terminal for output and errors, which come in `out`. */
void tool_run_on_terminal(const char *command);

/* A file of the folder, and folders above it as they are needed; bytes may be any but NUL. */
void tool_file(const char *path, const char *text);

/* The last run ended so. */
void tool_ended(int status);
/* Its output, or its errors, have a part, or not. */
void tool_said(const char *part);
void tool_said_not(const char *part);
void tool_complained(const char *part);

#endif
