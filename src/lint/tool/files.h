/* lint/tool/files.h: reading files, and finding them below folders. */
#ifndef LINT_TOOL_FILES_H
#define LINT_TOOL_FILES_H

#include "lint/tool/options.h"

struct file {
    char *text; /* `size` bytes, and a NUL */
    size_t size;
};

/* Reads a file, "-" is none in particular. False: *fault says why, and names it. */
bool file_read(const char *path, size_t max, struct file *out, struct fault *fault);
/* Reads all of the standard input. */
bool file_read_stdin(size_t max, struct file *out, struct fault *fault);
void file_free(struct file *file);

bool file_is_there(const char *path);
bool file_is_folder(const char *path);

/* Paths, sorted. */
struct paths {
    struct arena arena;
    const char **list;
    size_t count, capacity;
};

/* Adds every *.lua below a folder. What is hidden is left out, and links to folders are not followed. False:
 * *fault says why; what was found so far is there. */
bool paths_below(struct paths *paths, const char *folder, struct fault *fault);
bool paths_add(struct paths *paths, const char *path, struct fault *fault);
void paths_free(struct paths *paths);

#endif
