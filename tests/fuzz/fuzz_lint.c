/* The linter: any bytes make a tree whose parts lie in one another, values for its expressions, and findings within
 * the source; no rule fails at any tree.
 *
 * The input is the source; its size decides what it is run with. */
#include "fuzz.h"
#include "fuzz_lint_tree.h"

#include "base/arena.h"
#include "lint/value.h"
#include "vouch/lint.h"

#include <stdbool.h>

/* ---- values --------------------------------------------------------------------------------- */

static void check_value(void *context, struct lint_node *node)
{
    struct arena *arena = context;
    struct lint_call call;
    if (!lint_is_expression(node))
        return;
    FUZZ_CHECK(node->value != NULL);
    if (node->kind != LINT_CALL)
        return;
    FUZZ_CHECK(lint_call_of(arena, node, &call));
    FUZZ_CHECK(!call.command || call.name);
}

static bool check_parts(const char *source, size_t size, enum lint_source_kind kind)
{
    struct arena arena = {0};
    struct lint_tree tree;
    FUZZ_CHECK(lint_parse(&arena, source, size, &tree));
    fuzz_check_tree(&tree, NULL, NULL);
    if (tree.whole) {
        FUZZ_CHECK(lint_flow(&arena, &tree, kind));
        fuzz_check_tree(&tree, check_value, &arena);
    }
    arena_free(&arena);
    return tree.refused;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* One for all inputs: what a source leaves behind must not matter to the next. */
static vouch_lint *linter(void)
{
    static vouch_lint *lint;
    vouch_error e;
    if (!lint && vouch_lint_new(NULL, &lint, &e) != VOUCH_OK) {
        (void)fprintf(stderr, "%s\n", e.message);
        abort();
    }
    return lint;
}

static void check_finding(const vouch_lint_finding *f, size_t size)
{
    FUZZ_CHECK(f->rule && f->rule[0] && f->message && f->message[0]);
    if (strcmp(f->rule, "rule-failed") == 0) {
        (void)fprintf(stderr, "%u:%u: %s\n", f->line, f->column, f->message);
        abort();
    }
    FUZZ_CHECK(f->offset <= size && f->length <= size - f->offset);
    FUZZ_CHECK(f->line > 0 && f->column > 0 && f->end_line >= f->line && f->end_column > 0);
    FUZZ_CHECK(f->severity > VOUCH_LINT_OFF && f->severity <= VOUCH_LINT_ERROR);
    for (const char *c = f->message; *c; c++)
        FUZZ_CHECK((unsigned char)*c >= ' ' && *c != 127);
}

static void check_run(const vouch_lint_source *source, bool refused)
{
    vouch_lint_report *report;
    vouch_error e;
    size_t last = 0;
    FUZZ_CHECK(vouch_lint_run(linter(), source, &report, &e) == VOUCH_OK);
    FUZZ_CHECK(vouch_lint_refused(report) == refused);
    for (size_t i = 0; i < vouch_lint_count(report); i++) {
        const vouch_lint_finding *f = vouch_lint_finding_at(report, i);
        check_finding(f, source->size);
        FUZZ_CHECK(f->offset >= last);
        last = f->offset;
    }
    FUZZ_CHECK(!refused || vouch_lint_count(report) > 0);
    vouch_lint_report_free(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_exact((const char *)data, size);
    bool function = size % 4 == 0;
    vouch_lint_source source = {.text = text,
                                .size = size,
                                .kind = function ? VOUCH_LINT_FUNCTION : VOUCH_LINT_GUESS,
                                .numkeys_known = size % 2 == 1,
                                .numkeys = (uint32_t)(size % 3)};
    bool refused = check_parts(text, size, function ? LINT_SOURCE_FUNCTION : LINT_SOURCE_EVAL);
    check_run(&source, refused);
    free(text);
    return 0;
}
