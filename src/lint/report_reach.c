/* How far a comment that stands alone reaches: over the statement that begins on the next line of code. Of a
 * statement that has others in it (if, while, a function) that is what stands before the first of these: a
 * comment above a function does not allow what is wrong inside. Where no statement begins, as between the
 * arguments of a call, it is the next line of code and no more. Pure; may call: base, the tree. */
#include "lint/report.h"

#include "base/alloc.h"

#include <stdlib.h>

/* The walk keeps what is still to be visited on the heap: a chain of `..` is as deep as it is long. */
struct todo {
    struct {
        const struct lint_node *node;
    } * list;
    size_t count, capacity;
};

static bool push(struct todo *todo, const struct lint_node *node)
{
    if (!node)
        return true;
    void *list = todo->list;
    if (!alloc_grow(&list, &todo->capacity, todo->count + 1, sizeof *todo->list))
        return false;
    todo->list = list;
    todo->list[todo->count++].node = node;
    return true;
}

/* A node's lists are linked, and so it is followed by its next sibling once its children were visited. */
static bool push_after(struct todo *todo, const struct lint_node *node)
{
    return push(todo, node->next) && push(todo, node->c) && push(todo, node->b) &&
           push(todo, node->a);
}

static bool is_statement(const struct lint_node *node)
{
    return node->kind >= LINT_LOCAL && node->kind <= LINT_LABEL && node->kind != LINT_CLAUSE;
}

static uint32_t line_of(const struct lint_tree *tree, uint32_t offset)
{
    uint32_t line, column;
    lint_position(tree, offset, &line, &column);
    return line;
}

/* Those of statements, in the order of their code. */
struct waiting {
    struct waiter {
        struct allowance *allowance;
    } * list;
    size_t count;
    size_t at;   /* the first whose code was not reached */
    size_t open; /* [open, at) begin with the statement `begun`, and nothing inside it was seen */
    uint32_t finish; /* of that */
};

static int by_code(const void *left, const void *right)
{
    const struct waiter *l = left, *r = right;
    uint32_t a = l->allowance->code, b = r->allowance->code;
    return a == b ? 0 : a < b ? -1 : 1;
}

/* The next statement, in the order of the source. */
static void visit(struct waiting *w, const struct lint_tree *tree, const struct lint_node *node)
{
    uint32_t line = line_of(tree, node->offset);
    if (node->offset < w->finish)
        for (size_t i = w->open; i < w->at; i++) {
            struct allowance *a = w->list[i].allowance;
            uint32_t head = line > a->from ? line - 1 : a->from;
            a->to = head < a->to ? head : a->to;
        }
    w->open = w->at;
    while (w->at < w->count && w->list[w->at].allowance->code < node->offset)
        w->open = ++w->at;
    uint32_t last = node->finish > node->offset ? node->finish - 1 : node->offset;
    for (; w->at < w->count && w->list[w->at].allowance->code == node->offset; w->at++)
        w->list[w->at].allowance->to = line_of(tree, last);
    w->finish = node->finish;
}

static bool walk(struct waiting *w, const struct lint_tree *tree)
{
    struct todo todo = {0};
    bool fine = push(&todo, tree->root);
    while (fine && todo.count) {
        const struct lint_node *node = todo.list[--todo.count].node;
        if (is_statement(node))
            visit(w, tree, node);
        fine = push_after(&todo, node);
    }
    alloc_free(todo.list);
    return fine;
}

bool allowances_reach(struct allowances *allowances, const struct lint_tree *tree)
{
    if (!allowances->count)
        return true;
    struct waiting w = {.list = alloc_get(allowances->count * sizeof *w.list)};
    if (!w.list)
        return false;
    for (size_t i = 0; i < allowances->count; i++) {
        struct allowance *a = &allowances->list[i];
        if (a->reach != ALLOWANCE_STATEMENT)
            continue;
        bool code = a->code < tree->size;
        a->from = code ? line_of(tree, a->code) : UINT32_MAX;
        a->to = code ? a->from : 0;
        if (code)
            w.list[w.count++].allowance = a;
    }
    qsort(w.list, w.count, sizeof *w.list, by_code);
    bool fine = !w.count || walk(&w, tree);
    alloc_free(w.list);
    return fine;
}
