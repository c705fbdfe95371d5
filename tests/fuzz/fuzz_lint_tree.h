/* What holds of every tree, of whatever source. */
#ifndef FUZZ_LINT_TREE_H
#define FUZZ_LINT_TREE_H

#include "lint/tree.h"

/* Aborts if it does not. Calls `each` for every node, parents before children, if it is not NULL. */
void fuzz_check_tree(const struct lint_tree *tree,
                     void (*each)(void *context, struct lint_node *node), void *context);

#endif
