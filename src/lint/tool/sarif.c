/* --format sarif: SARIF 2.1.0, a standard of OASIS, which code hosts and editors read. Columns are told in
 * Unicode code points, as the standard wants one of two units and a byte is neither. */
#include "lint/tool/output.h"
#include "lint/tool/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <vouch/common.h>

static void string(FILE *stream, const char *text)
{
    write_json(stream, text, strlen(text));
}

static const char *level(vouch_lint_severity severity)
{
    return severity == VOUCH_LINT_ERROR     ? "error"
           : severity == VOUCH_LINT_WARNING ? "warning"
           : severity == VOUCH_LINT_INFO    ? "note"
                                            : "none";
}

static void text_member(FILE *stream, const char *name, const char *text)
{
    (void)fprintf(stream, "\"%s\": {\"text\": ", name);
    string(stream, text);
    (void)fputc('}', stream);
}

static void rule(FILE *stream, const vouch_lint_rule *r)
{
    static const char form[] = "%s\n\nBad:\n\n%s\n\nGood:\n\n%s\n";
    (void)fputs("\n    {\"id\": ", stream);
    string(stream, r->name);
    (void)fputs(", ", stream);
    text_member(stream, "shortDescription", r->summary);
    (void)fputs(", ", stream);
    text_member(stream, "fullDescription", r->why);
    size_t room = sizeof form + strlen(r->why) + strlen(r->bad) + strlen(r->good);
    struct arena arena = {0};
    char *help = arena_get(&arena, room);
    if (help) {
        (void)snprintf(help, room, form, r->why, r->bad, r->good);
        (void)fputs(", ", stream);
        text_member(stream, "help", help);
    }
    arena_free(&arena);
    (void)fprintf(stream, ", \"defaultConfiguration\": {\"enabled\": %s, \"level\": \"%s\"}}",
                  r->severity == VOUCH_LINT_OFF ? "false" : "true", level(r->severity));
}

void sarif_begin(struct output *out)
{
    FILE *stream = out->stream;
    (void)fprintf(stream,
                  "{\"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
                  " \"version\": \"2.1.0\",\n \"runs\": [{\n"
                  "  \"tool\": {\"driver\": {\"name\": \"vouch-lint\", \"version\": \"%s\", "
                  "\"rules\": [",
                  vouch_version());
    for (size_t i = 0; i < vouch_lint_rule_count(out->lint); i++) {
        (void)fputs(i ? "," : "", stream);
        rule(stream, vouch_lint_rule_at(out->lint, i));
    }
    (void)fputs("]}},\n  \"columnKind\": \"unicodeCodePoints\",\n  \"results\": [", stream);
}

/* A path as part of a URI: relative ones stay relative. */
static void uri(FILE *stream, const char *path)
{
    (void)fprintf(stream, "\"%s", path[0] == '/' ? "file://" : "");
    for (const char *c = path; *c; c++) {
        unsigned char b = (unsigned char)*c;
        bool plain = (b >= '0' && b <= '9') || ((b | 0x20) >= 'a' && (b | 0x20) <= 'z') ||
                     strchr("-._~/", *c);
        (void)fprintf(stream, plain ? "%c" : "%%%02X", b);
    }
    (void)fputc('"', stream);
}

/* The column of a byte, in code points; what is none counts as one. Lines that are too long to be counted for
 * each finding are counted once, from the last place on, since findings come in order. */
#define FAR 10000
struct ruler {
    size_t line_begin, at;
    unsigned long column;
};

static unsigned long column_of(struct ruler *ruler, const struct judged *s, size_t offset,
                               uint32_t column)
{
    size_t begin = column && column - 1 <= offset ? offset - (column - 1) : 0;
    if (begin != ruler->line_begin || offset < ruler->at || !ruler->column)
        *ruler = (struct ruler){begin, begin, 1};
    while (ruler->at < offset && ruler->at < s->size) {
        uint32_t point;
        size_t n = utf8_read(s->text + ruler->at, s->size - ruler->at, &point);
        ruler->at += n ? n : 1;
        ruler->column++;
    }
    return ruler->column;
}

static size_t index_of(const vouch_lint *lint, const char *name, bool *found)
{
    for (size_t i = 0; i < vouch_lint_rule_count(lint); i++)
        if (strcmp(vouch_lint_rule_at(lint, i)->name, name) == 0) {
            *found = true;
            return i;
        }
    *found = false;
    return 0;
}

/* Where a finding is. Ends that are too far to be counted for each finding are not told. */
static void region(FILE *stream, const struct judged *s, const vouch_lint_finding *f,
                   struct ruler *ruler)
{
    unsigned long column = column_of(ruler, s, f->offset, f->column);
    (void)fprintf(stream, "{\"startLine\": %u, \"startColumn\": %lu, ", f->line, column);
    struct ruler end = *ruler;
    if (f->length <= FAR || (f->line != f->end_line && f->end_column <= FAR))
        (void)fprintf(stream, "\"endLine\": %u, \"endColumn\": %lu, ", f->end_line,
                      column_of(&end, s, f->offset + f->length, f->end_column));
    (void)fprintf(stream, "\"byteOffset\": %zu, \"byteLength\": %zu}", f->offset, f->length);
}

static void result(struct output *out, const struct judged *s, const vouch_lint_finding *f,
                   struct ruler *ruler)
{
    FILE *stream = out->stream;
    bool known;
    size_t index = index_of(out->lint, f->rule, &known);
    (void)fputs("{\"ruleId\": ", stream);
    string(stream, f->rule);
    if (known)
        (void)fprintf(stream, ", \"ruleIndex\": %zu", index);
    (void)fprintf(stream, ", \"level\": \"%s\", ", level(f->severity));
    text_member(stream, "message", f->message);
    (void)fputs(", \"locations\": [{\"physicalLocation\": {\"artifactLocation\": {\"uri\": ",
                stream);
    uri(stream, s->name);
    (void)fputs("}, \"region\": ", stream);
    region(stream, s, f, ruler);
    (void)fputs("}}]}", stream);
}

void sarif_source(struct output *out, const struct judged *source)
{
    struct ruler ruler = {0};
    bool some = out->counts[VOUCH_LINT_ERROR] || out->counts[VOUCH_LINT_WARNING] ||
                out->counts[VOUCH_LINT_INFO];
    for (size_t i = 0; i < source->count; i++) {
        (void)fputs(some || i ? ",\n    " : "\n    ", out->stream);
        result(out, source, &source->findings[i], &ruler);
    }
}

void sarif_end(struct output *out)
{
    FILE *stream = out->stream;
    (void)fprintf(stream, "],\n  \"invocations\": [{\"executionSuccessful\": %s",
                  out->fault_count ? "false" : "true");
    for (size_t i = 0; i < out->fault_count; i++) {
        (void)fputs(i ? ", " : ", \"toolExecutionNotifications\": [", stream);
        (void)fputs("{\"level\": \"error\", ", stream);
        text_member(stream, "message", out->faults[i]);
        (void)fputc('}', stream);
    }
    (void)fputs(out->fault_count ? "]}]\n }]}\n" : "}]\n }]}\n", stream);
}
