/* lint/folder.h: rules of the caller's own, read from a folder. */
#ifndef LINT_FOLDER_H
#define LINT_FOLDER_H

#include "lint/engine.h"

/* Adds every *.lua of a folder to the engine, in the order of their names; what is hidden is left out.
 * VOUCH_EINVAL: it cannot be read, or holds no rule, or one that is wrong; the message names it. */
vouch_status folder_add_rules(struct engine *engine, const char *path, vouch_error *error);

#endif
