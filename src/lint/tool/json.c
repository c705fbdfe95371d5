/* --format json: one object, as --help describes it. */
#include "lint/tool/output.h"

#include <string.h>

static void string(FILE *stream, const char *text)
{
    write_json(stream, text, strlen(text));
}

void json_begin(struct output *out)
{
    (void)fprintf(out->stream, "{\"version\": 1,\n \"files\": [");
}

static void finding(FILE *stream, const vouch_lint_finding *f)
{
    (void)fprintf(stream, "\n   {\"rule\": ");
    string(stream, f->rule);
    (void)fprintf(stream,
                  ", \"severity\": \"%s\", \"message\": ", vouch_lint_severity_name(f->severity));
    string(stream, f->message);
    (void)fprintf(stream,
                  ", \"line\": %u, \"column\": %u, \"endLine\": %u, \"endColumn\": %u, "
                  "\"offset\": %zu, \"length\": %zu}",
                  f->line, f->column, f->end_line, f->end_column, f->offset, f->length);
}

void json_source(struct output *out, const struct judged *source)
{
    FILE *stream = out->stream;
    (void)fprintf(stream, "%s\n  {\"file\": ", out->files ? "," : "");
    string(stream, source->name);
    (void)fprintf(stream, ", \"kind\": \"%s\", \"refused\": %s, \"leftOut\": %zu, \"findings\": [",
                  source->kind == VOUCH_LINT_FUNCTION ? "function" : "eval",
                  source->refused ? "true" : "false", source->left_out);
    for (size_t i = 0; i < source->count; i++) {
        (void)fputs(i ? "," : "", stream);
        finding(stream, &source->findings[i]);
    }
    (void)fputs("]}", stream);
}

void json_end(struct output *out)
{
    FILE *stream = out->stream;
    (void)fputs("],\n \"failures\": [", stream);
    for (size_t i = 0; i < out->fault_count; i++) {
        (void)fputs(i ? ", " : "", stream);
        string(stream, out->faults[i]);
    }
    (void)fprintf(stream, "],\n \"counts\": {\"error\": %zu, \"warning\": %zu, \"info\": %zu}}\n",
                  out->counts[VOUCH_LINT_ERROR], out->counts[VOUCH_LINT_WARNING],
                  out->counts[VOUCH_LINT_INFO]);
}
