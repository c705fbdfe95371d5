/* What kinds, operators and remarks are called, and where a byte of the source is. Pure. */
#include "lint/tree.h"

static const char *const kind_names[] = {
#define LINT_X(kind, name, a, b, c) name,
    LINT_KIND_MAP(LINT_X)
#undef LINT_X
};

static const char *const kind_children[][3] = {
#define LINT_X(kind, name, a, b, c) {a, b, c},
    LINT_KIND_MAP(LINT_X)
#undef LINT_X
};

static const char *const operator_texts[] = {
#define LINT_X(operator, text) text,
    LINT_OPERATOR_MAP(LINT_X)
#undef LINT_X
};

static const char *const remark_rules[] = {
#define LINT_X(remark, rule, refused) rule,
    LINT_REMARK_MAP(LINT_X)
#undef LINT_X
};

const char *lint_kind_name(enum lint_kind kind)
{
    return kind_names[kind];
}

const char *const *lint_kind_children(enum lint_kind kind)
{
    return kind_children[kind];
}

const char *lint_operator_text(enum lint_operator op)
{
    return operator_texts[op];
}

const char *lint_remark_rule(enum lint_remark_kind kind)
{
    return remark_rules[kind];
}

void lint_position(const struct lint_tree *tree, uint32_t offset, uint32_t *line, uint32_t *column)
{
    uint32_t low = 0, high = tree->lines;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (tree->line_offsets[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    *line = low + 1;
    *column = offset - tree->line_offsets[low] + 1;
}
