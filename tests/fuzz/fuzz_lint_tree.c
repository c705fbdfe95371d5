/* Walks a tree without recursion: chains of `a.a.a` are as deep as they are long. */
#include "fuzz_lint_tree.h"

#include "fuzz.h"

#include <stdbool.h>

struct walk {
    const struct lint_tree *tree;
    struct lint_node **todo;
    size_t count, room, seen;
};

static void push(struct walk *w, struct lint_node *node)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 64;
        w->todo = realloc(w->todo, w->room * sizeof(struct lint_node *));
        FUZZ_CHECK(w->todo != NULL);
    }
    w->todo[w->count++] = node;
}

static void check_place(const struct lint_tree *tree, uint32_t offset, uint32_t line,
                        uint32_t column)
{
    uint32_t right_line = 0, right_column = 0;
    lint_position(tree, offset, &right_line, &right_column);
    FUZZ_CHECK(line == right_line && column == right_column);
    FUZZ_CHECK(line > 0 && line <= tree->lines && column > 0);
}

static void check_variable(const struct lint_tree *tree, const struct lint_node *node)
{
    const struct lint_variable *v = node->variable;
    if (node->kind != LINT_NAME || !v) {
        FUZZ_CHECK(node->kind == LINT_NAME || !v);
        return;
    }
    FUZZ_CHECK(v->id < tree->variables && v->function);
    FUZZ_CHECK(v->function->kind == LINT_FUNCTION || v->function->kind == LINT_CHUNK);
    FUZZ_CHECK(v->size == node->text.size && memcmp(v->name, node->text.text, v->size) == 0);
    FUZZ_CHECK(!v->declared || v->declared->variable == v);
}

static void check_node(const struct lint_tree *tree, const struct lint_node *n)
{
    FUZZ_CHECK(n->kind < LINT_KINDS && n->op < LINT_OPERATORS);
    FUZZ_CHECK(n->offset <= n->finish && n->finish <= tree->size);
    FUZZ_CHECK(n->at >= n->offset && n->at <= n->finish);
    check_place(tree, n->at, n->line, n->column);
    check_variable(tree, n);
    if (n->kind == LINT_NAME && tree->whole)
        FUZZ_CHECK(n->text.size > 0 && n->text.size == n->finish - n->offset &&
                   memcmp(n->text.text, tree->source + n->offset, n->text.size) == 0);
}

/* One child, or the first of a list, of a node. */
static void check_children(struct walk *w, struct lint_node *parent, struct lint_node *child,
                           const char *name)
{
    FUZZ_CHECK(name || !child);
    if (!child)
        return;
    bool list = name[0] == '*';
    uint32_t behind = parent->offset;
    for (; child; child = child->next) {
        FUZZ_CHECK(child->parent == parent);
        /* Where a source breaks off, nodes are as far as they were read. */
        FUZZ_CHECK(!w->tree->whole || (child->offset >= behind && child->finish <= parent->finish));
        push(w, child);
        behind = child->finish;
        if (!list)
            break; /* what follows it is a neighbour of its parent's, or nothing */
    }
}

static void check_remarks(const struct lint_tree *tree)
{
    bool syntax = false, limit = false;
    for (const struct lint_remark *r = tree->remarks; r; r = r->next) {
        FUZZ_CHECK(r->kind < LINT_REMARKS && r->message && r->message[0] && !syntax);
        FUZZ_CHECK(lint_remark_rule(r->kind)[0]);
        FUZZ_CHECK(r->offset <= r->finish && r->finish <= tree->size);
        check_place(tree, r->offset, r->line, r->column);
        syntax = r->kind == LINT_REMARK_SYNTAX;
        limit = limit || r->kind == LINT_REMARK_LIMIT;
    }
    FUZZ_CHECK(tree->whole ? !syntax : (syntax || limit));
    FUZZ_CHECK(!syntax || tree->refused);
}

static void check_comments(const struct lint_tree *tree)
{
    uint32_t behind = 0;
    for (const struct lint_comment *c = tree->comments; c; c = c->next) {
        FUZZ_CHECK(c->offset >= behind && c->finish > c->offset && c->finish <= tree->size);
        FUZZ_CHECK(memcmp(tree->source + c->offset, "--", 2) == 0);
        check_place(tree, c->offset, c->line, c->column);
        behind = c->finish;
    }
}

void fuzz_check_tree(const struct lint_tree *tree,
                     void (*each)(void *context, struct lint_node *node), void *context)
{
    struct walk w = {.tree = tree};
    FUZZ_CHECK(tree->root && tree->root->kind == LINT_CHUNK && !tree->root->parent);
    FUZZ_CHECK(tree->root->offset == 0 && tree->root->finish == tree->size);
    push(&w, tree->root);
    while (w.count > 0) {
        struct lint_node *n = w.todo[--w.count];
        const char *const *names = lint_kind_children((enum lint_kind)n->kind);
        check_node(tree, n);
        check_children(&w, n, n->a, names[0]);
        check_children(&w, n, n->b, names[1]);
        check_children(&w, n, n->c, names[2]);
        FUZZ_CHECK(++w.seen <= tree->nodes);
        if (each)
            each(context, n);
    }
    free(w.todo);
    check_remarks(tree);
    check_comments(tree);
}
