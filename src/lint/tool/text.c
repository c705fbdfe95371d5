/* A finding as people read it: where, what, and the line with the place under it.
 *
 *     file:line:column: severity: message [rule]
 *         return 7 // 2
 *                  ^~
 *
 * Tabs stay tabs, above and below, so that the caret is right however wide they are. Of a long line only what is
 * around the place is shown; nothing here takes longer for it. */
#include "lint/tool/output.h"
#include "lint/tool/utf8.h"

#include <string.h>

/* Cells of a line that are shown: so many before the place at most, so many in all. */
#define CELLS_BEFORE 100u
#define CELLS        160u

static const char *const colors[] = {"", "\033[1;36m", "\033[1;35m", "\033[1;31m"};
#define BOLD  "\033[1m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"

static const char *color(const struct output *out, const char *code)
{
    return out->colored ? code : "";
}

static bool ends_line(char c)
{
    return c == '\n' || c == '\r';
}

/* Where a tab that stands in a column ends. */
static unsigned cells_of(struct glyph g, bool tab, unsigned column)
{
    return tab ? 8 - column % 8 : g.cells;
}

/* The piece of a line that is shown. */
struct view {
    const char *text;
    size_t from, place, to; /* text[from, to); the finding begins at `place` */
    bool cut_before, cut_after;
};

static struct view view_of(const struct judged *s, const vouch_lint_finding *f)
{
    struct view v = {.text = s->text};
    v.place = f->offset < s->size ? f->offset : s->size;
    size_t begin = f->column && f->column - 1 <= v.place ? v.place - (f->column - 1) : v.place;
    unsigned cells = 0;
    for (v.from = v.place; v.from > begin && cells < CELLS_BEFORE;) {
        struct glyph g = glyph_before(s->text + begin, v.from - begin);
        cells += g.cells ? g.cells : 8;
        v.from -= g.bytes;
    }
    v.cut_before = v.from > begin;
    for (v.to = v.place; v.to < s->size && !ends_line(s->text[v.to]) && cells < CELLS;) {
        struct glyph g = glyph_at(s->text + v.to, s->size - v.to);
        cells += g.cells ? g.cells : s->text[v.to] == '\t' ? 8 : 0;
        v.to += g.bytes;
    }
    v.cut_after = v.to < s->size && !ends_line(s->text[v.to]);
    return v;
}

static void show_source(const struct output *out, const struct view *v)
{
    (void)fputs(v->cut_before ? "\xe2\x80\xa6" : "", out->stream);
    write_visible(out->stream, v->text + v->from, v->to - v->from);
    (void)fputs(v->cut_after ? "\xe2\x80\xa6\n" : "\n", out->stream);
}

static void show_caret(const struct output *out, const struct view *v, size_t finish)
{
    unsigned column = v->cut_before ? 1 : 0;
    (void)fputs(v->cut_before ? " " : "", out->stream);
    for (size_t i = v->from; i < v->place;) {
        struct glyph g = glyph_at(v->text + i, v->place - i);
        bool tab = v->text[i] == '\t';
        unsigned cells = cells_of(g, tab, column);
        (void)fprintf(out->stream, "%*s", tab ? 1 : (int)cells, tab ? "\t" : "");
        column += cells;
        i += g.bytes;
    }
    (void)fprintf(out->stream, "%s^", color(out, GREEN));
    unsigned under = 0;
    finish = finish < v->to ? finish : v->to;
    for (size_t i = v->place; i < finish;) {
        struct glyph g = glyph_at(v->text + i, finish - i);
        under += cells_of(g, v->text[i] == '\t', column + under);
        i += g.bytes;
    }
    for (; under > 1; under--)
        (void)fputc('~', out->stream);
    (void)fprintf(out->stream, "%s\n", color(out, PLAIN));
}

void text_finding(struct output *out, const struct judged *source, const vouch_lint_finding *f)
{
    FILE *stream = out->stream;
    bool known = f->severity <= VOUCH_LINT_ERROR;
    (void)fputs(color(out, BOLD), stream);
    write_visible(stream, source->name, strlen(source->name));
    (void)fprintf(stream, ":%u:%u:%s %s%s:%s ", f->line, f->column, color(out, PLAIN),
                  color(out, known ? colors[f->severity] : ""),
                  vouch_lint_severity_name(f->severity), color(out, PLAIN));
    write_visible(stream, f->message, strlen(f->message));
    (void)fputs(" [", stream);
    write_visible(stream, f->rule, strlen(f->rule));
    (void)fputs("]\n", stream);
    struct view v = view_of(source, f);
    show_source(out, &v);
    show_caret(out, &v, f->offset + f->length);
}
