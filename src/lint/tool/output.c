/* What all formats share: counting, and words that are safe where they go. */
#include "lint/tool/output.h"

#include "lint/tool/utf8.h"

void write_json(FILE *stream, const char *text, size_t size)
{
    (void)fputc('"', stream);
    for (size_t i = 0; i < size;) {
        uint32_t point = 0;
        size_t n = utf8_read(text + i, size - i, &point);
        if (!n)
            (void)fputs("\\ufffd", stream);
        else if (point == '"' || point == '\\')
            (void)fprintf(stream, "\\%c", (char)point);
        else if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x2028 ||
                 point == 0x2029)
            (void)fprintf(stream, "\\u%04x", (unsigned)point);
        else
            (void)fwrite(text + i, 1, n, stream);
        i += n ? n : 1;
    }
    (void)fputc('"', stream);
}

void write_visible(FILE *stream, const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        struct glyph g = glyph_at(text + i, size - i);
        for (size_t k = 0; g.hidden && k < g.bytes; k++)
            (void)fprintf(stream, "\\x%02x", (unsigned)(unsigned char)text[i + k]);
        if (!g.hidden)
            (void)fwrite(text + i, 1, g.bytes, stream);
        i += g.bytes;
    }
}

void output_begin(struct output *out)
{
    if (out->format == FORMAT_JSON)
        json_begin(out);
    else if (out->format == FORMAT_SARIF)
        sarif_begin(out);
}

void output_source(struct output *out, const struct judged *source)
{
    if (out->format == FORMAT_JSON)
        json_source(out, source);
    else if (out->format == FORMAT_SARIF)
        sarif_source(out, source);
    for (size_t i = 0; i < source->count; i++) {
        const vouch_lint_finding *f = &source->findings[i];
        if (f->severity <= VOUCH_LINT_ERROR)
            out->counts[f->severity]++;
        if (out->format == FORMAT_TEXT)
            text_finding(out, source, f);
    }
    out->left_out += source->left_out;
    out->files++;
    (void)fflush(out->stream);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

/* The last line, for people. */
static void tell_counts(const struct output *out)
{
    size_t errors = out->counts[VOUCH_LINT_ERROR], warnings = out->counts[VOUCH_LINT_WARNING],
           infos = out->counts[VOUCH_LINT_INFO];
    (void)fprintf(stderr, "vouch-lint: ");
    if (!errors && !warnings && !infos)
        (void)fprintf(stderr, "nothing found in %zu file%s\n", out->files, plural(out->files));
    else
        (void)fprintf(stderr, "%zu error%s, %zu warning%s, %zu info%s in %zu file%s\n", errors,
                      plural(errors), warnings, plural(warnings), infos, plural(infos), out->files,
                      plural(out->files));
    if (out->left_out)
        (void)fprintf(stderr, "vouch-lint: %zu more that are no worse were left out\n",
                      out->left_out);
}

void output_end(struct output *out)
{
    if (out->format == FORMAT_JSON)
        json_end(out);
    else if (out->format == FORMAT_SARIF)
        sarif_end(out);
    else if (out->files)
        tell_counts(out);
}
