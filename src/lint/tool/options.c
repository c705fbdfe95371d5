/* Options by name, wherever they stand, and the command line. Pure, but for the file of defaults that
 * options_read has read. */
#include "lint/tool/options.h"

#include "base/alloc.h"
#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fault_set(struct fault *fault, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(fault->message, sizeof fault->message, format, args);
    va_end(args);
    return false;
}

const char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_get(arena, (size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

static bool no_memory(struct fault *fault)
{
    return fault_set(fault, "out of memory");
}

/* ---- one option ------------------------------------------------------------------------------ */

typedef bool (*setter)(struct options *o, const char *name, const char *value,
                       const struct origin *origin, struct fault *fault);

/* The index of a value in a list of words; false with a message if it is none of them. */
static bool choose(const char *name, const char *value, const char *const *words, size_t n,
                   size_t *out, struct fault *fault)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], value) == 0) {
            *out = i;
            return true;
        }
    char list[128] = "";
    for (size_t i = 0, at = 0; i < n; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", words[i]);
    return fault_set(fault, "%s is one of %s, not '%s'", name, list, value);
}

static const char *const severities[] = {"off", "info", "warning", "error"};

static bool set_format(struct options *o, const char *name, const char *value,
                       const struct origin *origin, struct fault *fault)
{
    static const char *const words[] = {"text", "json", "sarif"};
    size_t i;
    (void)origin;
    if (!choose(name, value, words, 3, &i, fault))
        return false;
    o->format = (enum tool_format)i;
    return true;
}

static bool set_color(struct options *o, const char *name, const char *value,
                      const struct origin *origin, struct fault *fault)
{
    static const char *const words[] = {"auto", "always", "never"};
    size_t i;
    (void)origin;
    if (!choose(name, value, words, 3, &i, fault))
        return false;
    o->color = (enum tool_color)i;
    return true;
}

static bool set_fail_on(struct options *o, const char *name, const char *value,
                        const struct origin *origin, struct fault *fault)
{
    size_t i;
    (void)origin;
    if (!choose(name, value, severities + 1, 3, &i, fault))
        return false;
    o->fail_on = (vouch_lint_severity)(i + 1);
    return true;
}

/* RULE=LEVEL */
static bool set_severity(struct options *o, const char *name, const char *value,
                         const struct origin *origin, struct fault *fault)
{
    const char *equals = strchr(value, '=');
    size_t i;
    if (!equals || equals == value)
        return fault_set(fault, "%s wants RULE=LEVEL, not '%s'", name, value);
    if (!choose("the level of a rule", equals + 1, severities, 4, &i, fault))
        return false;
    const char *rule = arena_print(&o->arena, "%.*s", (int)(equals - value), value);
    void *settings = o->settings, *froms = o->froms;
    size_t want = o->setting_count + 1;
    bool grown = alloc_grow(&settings, &o->setting_capacity, want, sizeof *o->settings);
    o->settings = settings;
    if (!grown || !rule || !alloc_grow(&froms, &o->from_capacity, want, sizeof *o->froms))
        return no_memory(fault);
    o->froms = froms;
    o->settings[o->setting_count] =
        (vouch_lint_setting){.rule = rule, .severity = (vouch_lint_severity)i};
    o->froms[o->setting_count++] = origin->from;
    return true;
}

static bool set_target(struct options *o, const char *name, const char *value,
                       const struct origin *origin, struct fault *fault)
{
    (void)name;
    o->target = arena_print(&o->arena, "%s", value);
    o->target_from = origin->from;
    return o->target || no_memory(fault);
}

static bool set_rules(struct options *o, const char *name, const char *value,
                      const struct origin *origin, struct fault *fault)
{
    (void)name;
    bool relative = origin->folder && value[0] != '/';
    o->rules = arena_print(&o->arena, "%s%s%s", relative ? origin->folder : "", relative ? "/" : "",
                           value);
    o->rules_from = origin->from;
    return o->rules || no_memory(fault);
}

/* "yes" or "no" where it stands in a file. */
static bool set_kind(struct options *o, const char *name, const char *value,
                     const struct origin *origin, struct fault *fault)
{
    static const char *const words[] = {"no", "yes"};
    size_t yes = 1;
    if (value && !choose(name, value, words, 2, &yes, fault))
        return false;
    if (!yes)
        return true;
    bool same_place = o->kind_name && !o->kind_from == !origin->from;
    if (same_place && strcmp(o->kind_name, name) != 0)
        return fault_set(fault, "%s and %s exclude each other", o->kind_name, name);
    o->kind = strcmp(name, "eval") == 0 ? VOUCH_LINT_EVAL : VOUCH_LINT_FUNCTION;
    o->kind_name = o->kind == VOUCH_LINT_EVAL ? "eval" : "function";
    o->kind_from = origin->from;
    return true;
}

static bool set_numkeys(struct options *o, const char *name, const char *value,
                        const struct origin *origin, struct fault *fault)
{
    uint64_t n;
    (void)origin;
    if (!number_parse_u64(value, strlen(value), &n) || n > INT32_MAX)
        return fault_set(fault, "%s wants a number of keys, not '%s'", name, value);
    o->numkeys = (uint32_t)n;
    o->numkeys_known = true;
    return true;
}

/* What only the command line may say. */
static bool set_other(struct options *o, const char *name, const char *value,
                      const struct origin *origin, struct fault *fault)
{
    (void)origin;
    (void)fault;
    if (strcmp(name, "explain") == 0)
        o->task = TASK_EXPLAIN, o->explain = value;
    else if (strcmp(name, "list-rules") == 0)
        o->task = TASK_LIST;
    else if (strcmp(name, "help") == 0)
        o->task = TASK_HELP;
    else if (strcmp(name, "version") == 0)
        o->task = TASK_VERSION;
    else if (strcmp(name, "config") == 0)
        o->config = value;
    else if (strcmp(name, "no-config") == 0)
        o->no_config = true;
    else if (strcmp(name, "stdin-name") == 0)
        o->stdin_name = value;
    else if (strcmp(name, "server") == 0)
        o->server = value;
    return true;
}

static const struct option_row {
    const char *name;
    setter set;
    bool takes_value, in_files;
} rows[] = {
    {"color", set_color, true, true},
    {"config", set_other, true, false},
    {"eval", set_kind, false, true},
    {"explain", set_other, true, false},
    {"fail-on", set_fail_on, true, true},
    {"format", set_format, true, true},
    {"function", set_kind, false, true},
    {"help", set_other, false, false},
    {"list-rules", set_other, false, false},
    {"no-config", set_other, false, false},
    {"numkeys", set_numkeys, true, true},
    {"rules", set_rules, true, true},
    /* Not in files: opening a folder of somebody else's must not make this program connect to anything. */
    {"server", set_other, true, false},
    {"severity", set_severity, true, true},
    {"stdin-name", set_other, true, false},
    {"target", set_target, true, true},
    {"version", set_other, false, false},
};

static const struct option_row *row_of(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

bool options_known(const char *name, bool *takes_value, bool *in_files)
{
    const struct option_row *row = row_of(name);
    *takes_value = row && row->takes_value;
    *in_files = row && row->in_files;
    return row != NULL;
}

bool options_set(struct options *o, const char *name, const char *value,
                 const struct origin *origin, struct fault *fault)
{
    const struct option_row *row = row_of(name);
    return row ? row->set(o, row->name, value, origin, fault)
               : fault_set(fault, "there is no option '%s'", name);
}

/* ---- the command line ------------------------------------------------------------------------ */

static bool add_file(struct options *o, const char *file, struct fault *fault)
{
    void *files = o->files;
    if (!alloc_grow(&files, &o->file_capacity, o->file_count + 1, sizeof *o->files))
        return no_memory(fault);
    o->files = files;
    o->files[o->file_count++] = file;
    return true;
}

/* "--name", "--name=value" or "--name" "value" at argv[*at]. */
static bool take_option(struct options *o, int argc, char **argv, int *at, struct fault *fault)
{
    static const struct origin command_line = {NULL, NULL};
    const char *word = strcmp(argv[*at], "-h") == 0 ? "--help" : argv[*at];
    const char *equals = strchr(word, '=');
    char name[32];
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const struct option_row *row = NULL;
    if (n > 2 && n - 2 < sizeof name && word[1] == '-') {
        memcpy(name, word + 2, n - 2);
        name[n - 2] = 0;
        row = row_of(name);
    }
    if (!row)
        return fault_set(fault, "there is no option '%.*s': see --help", (int)n, word);
    if (!row->takes_value && equals)
        return fault_set(fault, "--%s takes no value", row->name);
    const char *value = equals ? equals + 1 : NULL;
    if (row->takes_value && !equals)
        value = *at + 1 < argc ? argv[++*at] : NULL;
    if (row->takes_value && (!value || !*value))
        return fault_set(fault, "--%s wants a value", row->name);
    char inner[TOOL_MESSAGE_MAX - 8];
    if (row->set(o, row->name, value, &command_line, fault))
        return true;
    memcpy(inner, fault->message, sizeof inner - 1);
    inner[sizeof inner - 1] = 0;
    return fault_set(fault, "--%s", inner);
}

static bool read_words(struct options *o, int argc, char **argv, struct fault *fault)
{
    bool only_files = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        bool fine = true;
        if (only_files || word[0] != '-' || !word[1])
            fine = add_file(o, word, fault);
        else if (strcmp(word, "--") == 0)
            only_files = true;
        else
            fine = take_option(o, argc, argv, &i, fault);
        if (!fine)
            return false;
    }
    return true;
}

static void start(struct options *o)
{
    memset(o, 0, sizeof *o);
    o->fail_on = VOUCH_LINT_WARNING;
}

/* The command line is read twice: first for what it says of the file of defaults, which comes before it. */
bool options_read(struct options *o, int argc, char **argv, struct fault *fault)
{
    start(o);
    if (!read_words(o, argc, argv, fault))
        return false;
    if (o->task == TASK_HELP || o->task == TASK_VERSION)
        return true;
    const char *config = o->config;
    bool none = o->no_config;
    if (config && none)
        return fault_set(fault, "--config and --no-config exclude each other");
    options_free(o);
    start(o);
    const char *path = none ? NULL : config ? config : config_find(o);
    return (!path || config_read(o, path, fault)) && read_words(o, argc, argv, fault);
}

void options_free(struct options *o)
{
    alloc_free(o->settings);
    alloc_free(o->froms);
    alloc_free(o->files);
    arena_free(&o->arena);
}
