/* Files of cases: cut at the lines that begin with "--- ", whose words say what is expected. */
#include "cases.h"

#include "base.h"
#include "buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const char *path;
    char *next; /* what was not read yet; lines are ended with NUL as they are read */
    uint32_t line;
    struct lint_cases *cases;
    char *wrong; /* fresh memory; the first thing wrong */
};

__attribute__((format(printf, 2, 3))) static void fail(struct reading *r, const char *format, ...)
{
    if (r->wrong)
        return;
    char what[256];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    ts_buffer text = {0};
    ts_buffer_print(&text, "%s:%u: %s", r->path, r->line, what);
    r->wrong = ts_copy(ts_buffer_bytes(&text), ts_buffer_length(&text));
    ts_buffer_free(&text);
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    ts_buffer all = {0};
    size_t got;
    do {
        got = fread(ts_buffer_room(&all, 65536), 1, 65536, file);
        ts_buffer_grew(&all, got);
    } while (got > 0);
    fclose(file);
    char *text = ts_copy(ts_buffer_bytes(&all), ts_buffer_length(&all));
    ts_buffer_free(&all);
    return text;
}

/* A word of a `---` line: `key`, `key=value` or `key="value"`, in which \" and \\ stand for themselves. Cuts
 * it out of the line; NULL: there is none. */
static char *next_word(struct reading *r, char **line, char **value)
{
    char *at = *line + strspn(*line, " ");
    if (*at == '\0')
        return NULL;
    char *key = at;
    at += strcspn(at, " =");
    *value = NULL;
    if (*at != '=') {
        *line = *at ? at + 1 : at;
        *at = '\0';
        return key;
    }
    *at++ = '\0';
    *value = at;
    if (*at != '"') {
        at += strcspn(at, " ");
        *line = *at ? at + 1 : at;
        *at = '\0';
        return key;
    }
    char *to = at++;
    while (*at && *at != '"') {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        *to++ = *at++;
    }
    if (*at != '"')
        fail(r, "a \" is missing behind %s=", key);
    *line = *at ? at + 1 : at;
    *to = '\0';
    return key;
}

static bool read_number(const char *text, uint32_t *number, const char **end)
{
    char *stop;
    unsigned long n = strtoul(text, &stop, 10);
    *number = (uint32_t)n;
    *end = stop;
    return stop != text && n <= UINT32_MAX;
}

static void read_at(struct reading *r, struct lint_case *c, const char *value)
{
    const char *end;
    bool good = read_number(value, &c->at_line, &end);
    if (good && *end == ':')
        good = read_number(end + 1, &c->at_column, &end);
    if (!good || *end)
        fail(r, "at=%s is not LINE or LINE:COLUMN", value);
}

static void read_kind(struct reading *r, struct lint_case *c, const char *value)
{
    if (strcmp(value, "eval") == 0)
        c->kind = VOUCH_LINT_EVAL;
    else if (strcmp(value, "function") == 0)
        c->kind = VOUCH_LINT_FUNCTION;
    else
        fail(r, "kind=%s is neither eval nor function", value);
}

static void read_value(struct reading *r, struct lint_case *c, const char *key, const char *value)
{
    if (strcmp(key, "target") == 0) {
        c->target = value;
    } else if (strcmp(key, "kind") == 0) {
        read_kind(r, c, value);
    } else if (strcmp(key, "numkeys") == 0) {
        const char *end;
        c->numkeys_known = true;
        if (!read_number(value, &c->numkeys, &end) || *end)
            fail(r, "numkeys=%s is no number", value);
    } else if (strcmp(key, "at") == 0) {
        read_at(r, c, value);
    } else if (strcmp(key, "says") == 0) {
        size_t i = 0;
        while (i < CASE_SAYS && c->says[i])
            i++;
        if (i == CASE_SAYS)
            fail(r, "says= more than %d times", CASE_SAYS);
        else
            c->says[i] = value;
    } else if (strcmp(key, "live") == 0) {
        c->live_redis = c->live_valkey = value;
    } else if (strcmp(key, "live-redis") == 0) {
        c->live_redis = value;
    } else if (strcmp(key, "live-valkey") == 0) {
        c->live_valkey = value;
    } else if (strcmp(key, "setup") == 0) {
        c->setup = value;
    } else if (strcmp(key, "config") == 0) {
        c->config = value;
    } else {
        fail(r, "there is no %s=", key);
    }
}

/* The line of a case. */
static void read_words(struct reading *r, struct lint_case *c, char *words)
{
    char *value;
    for (char *key; !r->wrong && (key = next_word(r, &words, &value));) {
        if (value)
            read_value(r, c, key, value);
        else if (strcmp(key, "only") == 0)
            c->only = true;
        else if (strcmp(key, "clean") == 0)
            c->clean = true;
        else
            fail(r, "there is no word %s", key);
    }
    if (!r->wrong && c->bad && c->clean)
        fail(r, "clean is a word of good cases");
    if (!r->wrong && !c->bad && (c->only || c->at_line || c->says[0]))
        fail(r, "only, at= and says= are words of bad cases");
}

static struct lint_case *add_case(struct reading *r)
{
    struct lint_cases *cases = r->cases;
    cases->list = ts_resize(cases->list, (cases->count + 1) * sizeof *cases->list);
    struct lint_case *c = &cases->list[cases->count++];
    *c = (struct lint_case){.path = r->path, .line = r->line};
    return c;
}

/* The end of what stands before the next cut; its last newlines are no part of it. */
static size_t source_size(const char *source, const char *end)
{
    while (end > source && end[-1] == '\n')
        end--;
    return (size_t)(end - source);
}

static const char cut[] = "--- ";

/* The case that begins; NULL: none does. */
static struct lint_case *read_cut(struct reading *r, char *line)
{
    char *words = line + strlen(cut);
    bool bad = strncmp(words, "bad", 3) == 0 && (words[3] == ' ' || words[3] == '\0');
    bool good = strncmp(words, "good", 4) == 0 && (words[4] == ' ' || words[4] == '\0');
    if (bad || good) {
        struct lint_case *c = add_case(r);
        c->bad = bad;
        c->source = r->next;
        read_words(r, c, words + (bad ? 3 : 4));
        return c;
    }
    if (strncmp(words, "no-live: ", 9) == 0 && words[9])
        r->cases->no_live = true;
    else
        fail(r, "neither --- bad, nor --- good, nor --- no-live: WHY");
    return NULL;
}

char *lint_cases_read(const char *path, struct lint_cases *cases)
{
    *cases = (struct lint_cases){0};
    struct reading r = {.path = path, .cases = cases};
    cases->text = read_file(path);
    if (!cases->text) {
        fail(&r, "cannot be read");
        return r.wrong;
    }
    struct lint_case *open = NULL; /* whose source goes on */
    r.next = cases->text;
    while (*r.next && !r.wrong) {
        char *line = r.next;
        char *end = line + strcspn(line, "\n");
        r.next = *end ? end + 1 : end;
        r.line++;
        if (strncmp(line, cut, strlen(cut)) != 0)
            continue;
        *end = '\0';
        if (open)
            open->size = source_size(open->source, line);
        open = read_cut(&r, line);
    }
    if (open)
        open->size = source_size(open->source, r.next);
    return r.wrong;
}

void lint_cases_free(struct lint_cases *cases)
{
    free(cases->list);
    free(cases->text);
    *cases = (struct lint_cases){0};
}
