/* lint/tool/output.h: findings, as people and as programs read them. */
#ifndef LINT_TOOL_OUTPUT_H
#define LINT_TOOL_OUTPUT_H

#include "lint/tool/options.h"

#include <stdio.h>

/* One source that was judged. */
struct judged {
    const char *name;
    const char *text;
    size_t size;
    vouch_lint_kind kind;
    bool refused;
    size_t left_out;
    const vouch_lint_finding *findings;
    size_t count;
};

struct output {
    FILE *stream;
    enum tool_format format;
    bool colored;
    const vouch_lint *lint; /* for SARIF, which names all rules; or NULL: it could not be made */
    size_t files;           /* how many were written */
    size_t counts[VOUCH_LINT_ERROR + 1]; /* by severity */
    size_t left_out;
    /* What could not be done, in the order it happened; borrowed until output_end. */
    const char *const *faults;
    size_t fault_count;
};

void output_begin(struct output *out);
void output_source(struct output *out, const struct judged *source);
void output_end(struct output *out);

/* The formats' parts of these. */
void text_finding(struct output *out, const struct judged *source, const vouch_lint_finding *f);
void json_begin(struct output *out);
void json_source(struct output *out, const struct judged *source);
void json_end(struct output *out);
void sarif_begin(struct output *out);
void sarif_source(struct output *out, const struct judged *source);
void sarif_end(struct output *out);

/* "text", for JSON: what is no UTF-8 becomes U+FFFD. */
void write_json(FILE *stream, const char *text, size_t size);
/* For a terminal: what would not be seen is shown by its bytes. Line breaks too. */
void write_visible(FILE *stream, const char *text, size_t size);

#endif
