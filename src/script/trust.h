/* script/trust.h: whether an error can be a script's own. Pure. */
#ifndef SCRIPT_TRUST_H
#define SCRIPT_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* False only if the script can return no error reply of its own making, nor one that it caught. */
bool script_can_forge(const char *source, size_t size);

#endif
