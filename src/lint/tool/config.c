/* .vouch-lint, the file of defaults: lines of `key = value` with the names of options. A '#' at the beginning of
 * a line or behind a space begins a comment. */
#include "lint/tool/options.h"

#include "base/alloc.h"
#include "lint/tool/files.h"

#include <string.h>
#include <unistd.h>

static const char name_of_it[] = ".vouch-lint";

#define CONFIG_BYTES_MAX ((size_t)1 << 20)

const char *config_find(struct options *o)
{
    char room[4096];
    if (!getcwd(room, sizeof room) || room[0] != '/')
        return NULL;
    for (size_t n = strlen(room);;) {
        while (n && room[n - 1] == '/')
            n--;
        const char *path = arena_print(&o->arena, "%.*s/%s", (int)n, room, name_of_it);
        if (!path || file_is_there(path))
            return path;
        if (!n)
            return NULL;
        while (n && room[n - 1] != '/')
            n--;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts blanks off both ends, in place. */
static char *trim(char *text)
{
    while (is_blank(*text))
        text++;
    size_t n = strlen(text);
    while (n && is_blank(text[n - 1]))
        text[--n] = 0;
    return text;
}

static void cut_comment(char *line)
{
    for (char *c = line; *c; c++)
        if (*c == '#' && (c == line || is_blank(c[-1]))) {
            *c = 0;
            return;
        }
}

static bool read_line(struct options *o, char *line, const struct origin *origin,
                      struct fault *fault)
{
    cut_comment(line);
    char *key = trim(line);
    if (!*key)
        return true;
    char *equals = strchr(key, '=');
    bool takes_value, in_files;
    if (!equals)
        return fault_set(fault, "'%s' is not `key = value`", key);
    *equals = 0;
    char *value = trim(equals + 1);
    key = trim(key);
    if (!options_known(key, &takes_value, &in_files))
        return fault_set(fault, "there is no setting '%s'", key);
    if (!in_files)
        return fault_set(fault, "'%s' can only be given on the command line", key);
    if (!*value)
        return fault_set(fault, "'%s' wants a value", key);
    return options_set(o, key, value, origin, fault);
}

static const char *folder_of(struct options *o, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_print(&o->arena, "%.*s", (int)(slash - path), path) : NULL;
}

bool config_read(struct options *o, const char *path, struct fault *fault)
{
    struct file file;
    if (!file_read(path, CONFIG_BYTES_MAX, &file, fault))
        return false;
    struct origin origin = {.folder = folder_of(o, path)};
    char *line = file.text, *end = file.text + file.size;
    bool fine = true;
    for (unsigned long number = 1; fine && line < end; number++) {
        char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next : end;
        bool zero = memchr(line, 0, (size_t)(next - line)) != NULL;
        *next = 0; /* file_read leaves room for the last */
        struct fault inner = {"there is a NUL in this line"};
        origin.from = arena_print(&o->arena, "%s:%lu", path, number);
        fine = origin.from && !zero && read_line(o, line, &origin, &inner);
        if (!fine)
            (void)fault_set(fault, "%s:%lu: %.800s", path, number, inner.message);
        line = next + 1;
    }
    file_free(&file);
    return fine;
}
