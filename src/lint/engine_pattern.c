/* Patterns of Lua, read once and matched with an account of the work, since a pattern can take longer than a life:
 * the functions of `string` that take one. They do what Lua 5.4's do, with these differences: letters are those of
 * ASCII in any locale, and a pattern that is malformed is an error even if nothing would have looked there.
 *
 * A pattern is a row of items. Most stand for one byte, as a set of the bytes they take, with how often; the
 * others for a place: where a capture begins or ends, `%b()`, `%f[x]`, `%1`, `$`. */
#include "lint/engine_pattern.h"

#include <string.h>

/* Looks at a byte that cost as much as an instruction; and how many are made before the rule pays for them. */
enum { LOOKS_PER_STEP = 4, LOOKS_UNPAID = 4096 };

/* Items behind which others have to be tried again: each is a call of C deep. */
enum { DEPTH_MAX = 200 };

/* ---- sets of bytes ---- */

static void take(struct pattern_item *item, unsigned char c)
{
    item->set[c / 8] = (uint8_t)(item->set[c / 8] | 1U << c % 8);
}

static bool takes(const struct pattern_item *item, char c)
{
    unsigned char byte = (unsigned char)c;
    return item->set[byte / 8] >> byte % 8 & 1;
}

static bool in_class(unsigned c, char class)
{
    bool lower = c >= 'a' && c <= 'z', upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    switch (class) {
    case 'a':
        return lower || upper;
    case 'c':
        return c < ' ' || c == 127;
    case 'd':
        return digit;
    case 'g':
        return c > ' ' && c < 127;
    case 'l':
        return lower;
    case 'p':
        return c > ' ' && c < 127 && !lower && !upper && !digit;
    case 's':
        return c == ' ' || (c >= '\t' && c <= '\r');
    case 'u':
        return upper;
    case 'w':
        return lower || upper || digit;
    case 'x':
        return digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    default:
        return c == 0; /* z */
    }
}

/* What stands behind a '%': a class, its opposite, or a byte that means itself. */
static void take_escaped(struct pattern_item *item, char c)
{
    bool opposite = c >= 'A' && c <= 'Z';
    char class = opposite ? (char)(c - 'A' + 'a') : c;
    if (c == 0 || strchr("acdglpsuwxz", class) == NULL) {
        take(item, (unsigned char)c);
        return;
    }
    for (unsigned byte = 0; byte < 256; byte++)
        if (in_class(byte, class) != opposite)
            take(item, (unsigned char)byte);
}

/* ---- reading ---- */

struct reader {
    lua_State *L;
    const char *at, *end;
};

/* The byte behind the ']' of a set that begins at `at`, behind its '['. */
static const char *set_end(const struct reader *r)
{
    const char *p = r->at;
    if (p < r->end && *p == '^')
        p++;
    bool first = true;
    for (; p < r->end && (first || *p != ']'); first = false)
        p += *p == '%' && p + 1 < r->end ? 2 : 1;
    if (p >= r->end)
        luaL_error(r->L, "malformed pattern (missing ']')");
    return p + 1;
}

/* [a-z%d]: `at` is behind the '['. */
static void read_set(struct reader *r, struct pattern_item *item)
{
    const char *end = set_end(r) - 1, *p = r->at;
    bool opposite = p < end && *p == '^';
    for (p += opposite; p < end; p++) {
        if (*p == '%') {
            take_escaped(item, *++p);
        } else if (p + 2 < end && p[1] == '-') {
            for (unsigned c = (unsigned char)p[0]; c <= (unsigned char)p[2]; c++)
                take(item, (unsigned char)c);
            p += 2;
        } else {
            take(item, (unsigned char)*p);
        }
    }
    for (size_t i = 0; opposite && i < sizeof item->set; i++)
        item->set[i] = (uint8_t)~item->set[i];
    r->at = end + 1;
}

static void read_times(struct reader *r, struct pattern_item *item)
{
    static const char signs[] = "?*+-";
    const char *sign = r->at < r->end && *r->at != 0 ? strchr(signs, *r->at) : NULL;
    if (sign == NULL)
        return;
    item->times = (uint8_t)(PATTERN_MAYBE + (sign - signs));
    r->at++;
}

/* %b(), %f[x], %1; false: it is none of these. `at` is behind the '%'. */
static bool read_special(struct reader *r, struct pattern_item *item)
{
    char c = *r->at;
    if (c == 'b') {
        if (r->end - r->at < 3)
            luaL_error(r->L, "malformed pattern (missing arguments to '%%b')");
        *item = (struct pattern_item){.kind = PATTERN_BALANCE, .a = r->at[1], .b = r->at[2]};
        r->at += 3;
    } else if (c == 'f') {
        item->kind = PATTERN_FRONTIER;
        if (r->end - r->at < 2 || r->at[1] != '[')
            luaL_error(r->L, "missing '[' after '%%f' in pattern");
        r->at += 2;
        read_set(r, item);
    } else if (c >= '0' && c <= '9') {
        *item = (struct pattern_item){.kind = PATTERN_BACK, .a = c};
        r->at++;
    } else {
        return false;
    }
    return true;
}

static void read_item(struct reader *r, struct pattern_item *item)
{
    char c = *r->at++;
    *item = (struct pattern_item){.kind = PATTERN_BYTE};
    if (c == '(') {
        bool place = r->at < r->end && *r->at == ')';
        item->kind = place ? PATTERN_PLACE : PATTERN_OPEN;
        r->at += place;
        return;
    }
    if (c == ')' || (c == '$' && r->at == r->end)) {
        item->kind = c == ')' ? PATTERN_CLOSE : PATTERN_END;
        return;
    }
    if (c == '%') {
        if (r->at == r->end)
            luaL_error(r->L, "malformed pattern (ends with '%%')");
        if (read_special(r, item))
            return;
        take_escaped(item, *r->at++);
    } else if (c == '[') {
        read_set(r, item);
    } else if (c == '.') {
        memset(item->set, 0xff, sizeof item->set);
    } else {
        take(item, (unsigned char)c);
    }
    read_times(r, item);
}

struct pattern *pattern_push(lua_State *L, const char *text, size_t size, bool anchors)
{
    struct reader r = {.L = L, .at = text, .end = text + size};
    struct pattern *pattern =
        lua_newuserdatauv(L, sizeof *pattern + (size + 1) * sizeof pattern->items[0], 0);
    engine_charge(L, size);
    pattern->anchored = anchors && size > 0 && *text == '^';
    r.at += pattern->anchored;
    pattern->count = 0;
    while (r.at < r.end)
        read_item(&r, &pattern->items[pattern->count++]);
    pattern->items[pattern->count++] = (struct pattern_item){.kind = PATTERN_DONE};
    return pattern;
}

/* ---- matching ---- */

static void look(struct pattern_match *m, size_t looks)
{
    m->looks += looks;
    if (m->looks < LOOKS_UNPAID)
        return;
    uint64_t steps = m->looks / LOOKS_PER_STEP;
    m->looks = 0;
    engine_charge(m->L, steps);
}

/* %b(): behind the byte that closes what stands at `s`; NULL: nothing opens there, or it stays open. */
static const char *match_balance(struct pattern_match *m, const struct pattern_item *item,
                                 const char *s)
{
    if (s == m->end || *s != item->a)
        return NULL;
    size_t open = 1;
    for (const char *p = s + 1; p < m->end; p++) {
        if (*p == item->b) {
            if (--open == 0) {
                look(m, (size_t)(p - s));
                return p + 1;
            }
        } else if (*p == item->a) {
            open++;
        }
    }
    look(m, (size_t)(m->end - s));
    return NULL;
}

static bool at_frontier(const struct pattern_match *m, const struct pattern_item *item,
                        const char *s)
{
    char before = 0, here = 0;
    if (s > m->begin)
        before = s[-1];
    if (s < m->end)
        here = *s;
    return !takes(item, before) && takes(item, here);
}

/* %1: behind the same text as the capture's. */
static const char *match_back(struct pattern_match *m, const struct pattern_item *item,
                              const char *s)
{
    int i = item->a - '1';
    if (i < 0 || i >= m->level || m->captures[i].size == PATTERN_IS_OPEN)
        luaL_error(m->L, "invalid capture index %%%d in pattern", i + 1);
    /* As Lua does: the place that () captures is longer than any text. */
    size_t size = (size_t)m->captures[i].size;
    if (m->captures[i].size < 0 || size > (size_t)(m->end - s))
        return NULL;
    look(m, size / 16);
    return memcmp(m->captures[i].text, s, size) == 0 ? s + size : NULL;
}

static const char *match_from(struct pattern_match *m, const struct pattern_item *item,
                              const char *s);

/* What follows an item, with the item undone if that fails. */
static const char *match_rest(struct pattern_match *m, const struct pattern_item *item,
                              const char *s)
{
    if (m->depth == DEPTH_MAX)
        luaL_error(m->L, "pattern too complex");
    m->depth++;
    s = match_from(m, item, s);
    m->depth--;
    return s;
}

static const char *open_capture(struct pattern_match *m, const struct pattern_item *item,
                                const char *s)
{
    if (m->level == PATTERN_CAPTURES)
        luaL_error(m->L, "too many captures");
    m->captures[m->level].text = s;
    m->captures[m->level].size = item->kind == PATTERN_OPEN ? PATTERN_IS_OPEN : PATTERN_IS_PLACE;
    m->level++;
    const char *end = match_rest(m, item + 1, s);
    if (end == NULL)
        m->level--;
    return end;
}

static const char *close_capture(struct pattern_match *m, const struct pattern_item *item,
                                 const char *s)
{
    int i = m->level - 1;
    while (i >= 0 && m->captures[i].size != PATTERN_IS_OPEN)
        i--;
    if (i < 0)
        luaL_error(m->L, "invalid pattern capture");
    m->captures[i].size = s - m->captures[i].text;
    const char *end = match_rest(m, item + 1, s);
    if (end == NULL)
        m->captures[i].size = PATTERN_IS_OPEN;
    return end;
}

static const char *match_few(struct pattern_match *m, const struct pattern_item *item,
                             const char *s)
{
    const char *end = match_rest(m, item + 1, s);
    while (end == NULL && s < m->end && takes(item, *s)) {
        look(m, 1);
        end = match_rest(m, item + 1, ++s);
    }
    return end;
}

static const char *match_times(struct pattern_match *m, const struct pattern_item *item,
                               const char *s)
{
    const char *end, *p = s;
    if (item->times == PATTERN_FEW)
        return match_few(m, item, s);
    const char *most = item->times == PATTERN_MAYBE && s < m->end ? s + 1 : m->end;
    while (p < most && takes(item, *p))
        p++;
    look(m, (size_t)(p - s));
    const char *least = s + (item->times == PATTERN_SOME);
    for (; p >= least; p--) {
        look(m, 1);
        if ((end = match_rest(m, item + 1, p)) != NULL)
            return end;
    }
    return NULL;
}

static const char *match_from(struct pattern_match *m, const struct pattern_item *item,
                              const char *s)
{
    for (;; item++) {
        look(m, 1);
        switch ((enum pattern_kind)item->kind) {
        case PATTERN_DONE:
            return s;
        case PATTERN_BYTE:
            if (item->times != PATTERN_ONCE)
                return match_times(m, item, s);
            if (s == m->end || !takes(item, *s))
                return NULL;
            s++;
            break;
        case PATTERN_OPEN:
        case PATTERN_PLACE:
            return open_capture(m, item, s);
        case PATTERN_CLOSE:
            return close_capture(m, item, s);
        case PATTERN_BALANCE:
            if ((s = match_balance(m, item, s)) == NULL)
                return NULL;
            break;
        case PATTERN_FRONTIER:
            if (!at_frontier(m, item, s))
                return NULL;
            break;
        case PATTERN_BACK:
            if ((s = match_back(m, item, s)) == NULL)
                return NULL;
            break;
        case PATTERN_END:
            return s == m->end ? s : NULL;
        }
    }
}

const char *pattern_match(struct pattern_match *m, const struct pattern *pattern, const char *s)
{
    m->level = m->depth = 0;
    return match_from(m, pattern->items, s);
}
