/* Comments that allow what a rule would find: how they are read, and what they cover. Pure; may call: base, the
 * tree.
 *
 *     -- vouch-lint: allow RULE[, RULE…]: reason         behind code: in that line. Alone in its line: in the
 *                                                        statement that begins on the next line of code
 *     -- vouch-lint: allow-file RULE[, RULE…]: reason    in all of the source
 *
 * A comment counts as a whole or not at all: one with a fault (no reason, an unknown rule) is a finding and
 * allows nothing. A finding is in the line where it begins.
 *
 * Invariant, from allowances_read on: the first `distinct` are sorted by reach, rule and first line, and of one
 * reach and rule no two of these cover the same line. So one search finds the one that covers a line. */
#include "lint/report.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* A piece of the source. */
struct words {
    const char *text;
    size_t size;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct words trim(struct words w)
{
    while (w.size && is_space(w.text[0]))
        w.text++, w.size--;
    while (w.size && is_space(w.text[w.size - 1]))
        w.size--;
    return w;
}

static bool take(struct words *w, const char *prefix)
{
    size_t n = strlen(prefix);
    if (w->size < n || memcmp(w->text, prefix, n) != 0)
        return false;
    w->text += n;
    w->size -= n;
    return true;
}

/* What stands in a comment, without dashes and brackets. */
static struct words inside(const struct lint_tree *tree, const struct lint_comment *comment)
{
    struct words w = {tree->source + comment->offset, comment->finish - comment->offset};
    (void)take(&w, "--");
    size_t level = 0;
    if (w.size && w.text[0] == '[') {
        while (level + 1 < w.size && w.text[level + 1] == '=')
            level++;
        if (level + 1 < w.size && w.text[level + 1] == '[' && w.size >= 2 * (level + 2)) {
            w.text += level + 2;
            w.size -= 2 * (level + 2);
        }
    }
    return trim(w);
}

/* Whether a comment means us. "vouch-lint is …" does not; "vouch-lint allow …" forgot its colon. */
static bool addressed(struct words *w)
{
    if (!take(w, "vouch-lint"))
        return false;
    struct words rest = trim(*w);
    if (!take(&rest, ":") && !(w->size && is_space(w->text[0]) && take(&rest, "allow")))
        return false;
    *w = trim(*w);
    return true;
}

/* A reason is in words, of any language. */
static bool says_something(struct words w)
{
    for (size_t i = 0; i < w.size; i++) {
        unsigned char c = (unsigned char)w.text[i];
        if (c >= 0x80 || (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
            return true;
    }
    return false;
}

static bool is_of_the_linter(const char *name)
{
    static const char *const own[] = {REPORT_SYNTAX, REPORT_FAILED, REPORT_ALLOW, REPORT_UNUSED,
                                      REPORT_SERVER};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (strcmp(own[i], name) == 0)
            return true;
    return false;
}

static const vouch_lint_rule *rule_of(const struct report_run *run, struct words name)
{
    char text[VOUCH_LINT_RULE_MAX];
    if (name.size >= sizeof text || memchr(name.text, 0, name.size))
        return NULL;
    memcpy(text, name.text, name.size);
    text[name.size] = 0;
    return vouch_lint_rule_find(run->lint, text);
}

static const char form[] = "write `vouch-lint: allow RULE: reason` or `allow-file RULE: reason`";

/* As many of the bytes as are shown. */
static int shown(struct words w)
{
    return w.size > 80 ? 80 : (int)w.size;
}

/* What is wrong with a name, or false: nothing. */
static bool is_at_fault(struct report_run *run, const struct lint_comment *c, struct words name,
                        const vouch_lint_rule *rule, bool *told)
{
    uint32_t from = c->offset, to = c->finish;
    if (!name.size)
        *told = report_own(run, REPORT_ALLOW, from, to, "the name of a rule is missing: %s", form);
    else if (!rule)
        *told = report_own(run, REPORT_ALLOW, from, to,
                           "there is no rule `%.*s`: `vouch-lint --list-rules` names them",
                           shown(name), name.text);
    else if (is_of_the_linter(rule->name))
        *told = report_own(run, REPORT_ALLOW, from, to, "what is told under `%s` cannot be allowed",
                           rule->name);
    else
        return false;
    return true;
}

/* One of the rules that a comment names. *good becomes false if it is at fault. */
static bool add_rule(struct report_run *run, const struct lint_comment *comment,
                     enum allowance_reach reach, struct words name, bool *good)
{
    const vouch_lint_rule *rule = rule_of(run, name);
    bool told = true;
    if (is_at_fault(run, comment, name, rule, &told)) {
        *good = false;
        return told;
    }
    struct allowances *a = &run->allowances;
    void *list = a->list;
    if (!alloc_grow(&list, &a->capacity, a->count + 1, sizeof *a->list))
        return false;
    a->list = list;
    bool file = reach == ALLOWANCE_FILE;
    a->list[a->count++] = (struct allowance){.rule = rule,
                                             .comment = comment,
                                             .reach = reach,
                                             .from = file ? 0 : comment->line,
                                             .to = file ? UINT32_MAX : comment->line};
    return true;
}

/* The rules in `names`: all of them, or none if one is at fault. False: memory is short. */
static bool add_rules(struct report_run *run, const struct lint_comment *comment,
                      enum allowance_reach reach, struct words names)
{
    size_t before = run->allowances.count;
    for (bool good = true;;) {
        const char *comma = names.size ? memchr(names.text, ',', names.size) : NULL;
        size_t n = comma ? (size_t)(comma - names.text) : names.size;
        if (!add_rule(run, comment, reach, trim((struct words){names.text, n}), &good))
            return false;
        if (!good)
            run->allowances.count = before;
        if (!good || !comma)
            return true;
        names.text += n + 1;
        names.size -= n + 1;
    }
}

/* Reads what stands behind "vouch-lint". False: memory is short. */
static bool read_one(struct report_run *run, const struct lint_comment *c, struct words w)
{
    enum allowance_reach reach = c->alone ? ALLOWANCE_STATEMENT : ALLOWANCE_LINE;
    struct words all = w;
    if (!take(&w, ":"))
        return report_own(run, REPORT_ALLOW, c->offset, c->finish,
                          "a colon is missing behind `vouch-lint`: %s", form);
    w = trim(w);
    if (take(&w, "allow-file"))
        reach = ALLOWANCE_FILE;
    else if (!take(&w, "allow"))
        w = (struct words){"?", 1};
    if (w.size && !is_space(w.text[0]) && w.text[0] != ':')
        return report_own(run, REPORT_ALLOW, c->offset, c->finish, "`%.*s` is not understood: %s",
                          shown(all), all.text, form);
    const char *colon = w.size ? memchr(w.text, ':', w.size) : NULL;
    struct words names = {w.text, colon ? (size_t)(colon - w.text) : w.size};
    if (!says_something((struct words){w.text + names.size, w.size - names.size}))
        return report_own(run, REPORT_ALLOW, c->offset, c->finish, "this gives no reason: %s",
                          form);
    return add_rules(run, c, reach, names);
}

/* The first byte of code in source[from, to), where there are no comments; or `to`. */
static uint32_t code_in(const struct lint_tree *tree, uint32_t from, uint32_t to)
{
    while (from < to && is_space(tree->source[from]))
        from++;
    return from;
}

/* Tells those from `first` on, which stand in front of nothing but comments so far, that code begins here. */
static size_t code_begins(struct allowances *a, size_t first, uint32_t at)
{
    for (; first < a->count; first++)
        a->list[first].code = at;
    return first;
}

static int in_order(const void *left, const void *right)
{
    const struct allowance *a = left, *b = right;
    if (a->doubled != b->doubled)
        return a->doubled ? 1 : -1;
    if (a->reach != b->reach)
        return a->reach < b->reach ? -1 : 1;
    int order = strcmp(a->rule->name, b->rule->name);
    if (order)
        return order;
    if (a->from != b->from)
        return a->from < b->from ? -1 : 1;
    if (a->comment->offset == b->comment->offset)
        return 0;
    return a->comment->offset < b->comment->offset ? -1 : 1;
}

/* Sorted once to find those that say the same, and again with these at the end. */
static void put_in_order(struct allowances *a)
{
    if (!a->count)
        return;
    qsort(a->list, a->count, sizeof *a->list, in_order);
    a->distinct = 1;
    size_t last = 0;
    for (size_t i = 1; i < a->count; i++) {
        const struct allowance *before = &a->list[last];
        struct allowance *one = &a->list[i];
        one->doubled = one->reach == before->reach && one->from <= before->to &&
                       strcmp(one->rule->name, before->rule->name) == 0;
        if (one->doubled)
            continue;
        last = i;
        a->distinct++;
    }
    if (a->distinct < a->count)
        qsort(a->list, a->count, sizeof *a->list, in_order);
}

bool allowances_read(struct report_run *run)
{
    const struct lint_tree *tree = run->tree;
    struct allowances *a = &run->allowances;
    uint32_t before = (uint32_t)tree->shebang; /* the end of what was looked at */
    size_t waiting = 0;
    for (const struct lint_comment *c = tree->comments; c; c = c->next) {
        uint32_t code = code_in(tree, before, c->offset);
        if (code < c->offset)
            waiting = code_begins(a, waiting, code);
        before = c->finish;
        struct words w = inside(tree, c);
        if (addressed(&w) && !read_one(run, c, w))
            return false;
    }
    (void)code_begins(a, waiting, code_in(tree, before, (uint32_t)tree->size));
    if (!allowances_reach(a, tree))
        return false;
    put_in_order(a);
    return true;
}

/* Of one reach, the one that covers a line; NULL: none. */
static struct allowance *find(struct allowances *a, enum allowance_reach reach, const char *rule,
                              uint32_t line)
{
    size_t low = 0, high = a->distinct; /* behind the last that begins at or before it */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct allowance *m = &a->list[middle];
        int order = m->reach != reach ? (m->reach < reach ? -1 : 1) : strcmp(m->rule->name, rule);
        if (order < 0 || (order == 0 && m->from <= line))
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    struct allowance *found = &a->list[low - 1];
    bool covers =
        found->reach == reach && strcmp(found->rule->name, rule) == 0 && line <= found->to;
    return covers ? found : NULL;
}

bool allowances_cover(struct allowances *allowances, const char *rule, uint32_t line)
{
    if (!allowances->count)
        return false;
    struct allowance *found = NULL;
    for (int reach = ALLOWANCE_LINE; reach <= ALLOWANCE_FILE && !found; reach++)
        found = find(allowances, (enum allowance_reach)reach, rule, line);
    if (found)
        found->used = true;
    return found != NULL;
}

bool allowances_unused(struct report_run *run)
{
    if (!run->tree->whole || run->failed)
        return true;
    for (size_t i = 0; i < run->allowances.count; i++) {
        const struct allowance *a = &run->allowances.list[i];
        if (a->used || a->rule->severity == VOUCH_LINT_OFF)
            continue;
        const struct lint_comment *c = a->comment;
        const char *what = a->doubled ? "another comment allows `%s` here already: delete this"
                                      : "`%s` finds nothing here: delete this";
        if (!report_own(run, REPORT_UNUSED, c->offset, c->finish, what, a->rule->name))
            return false;
    }
    return true;
}

void allowances_free(struct allowances *allowances)
{
    alloc_free(allowances->list);
    *allowances = (struct allowances){0};
}
