/* Values of data flow as short text, for tests: "string|false reply=GET". */
#ifndef LINT_FLOW_SHOW_H
#define LINT_FLOW_SHOW_H

#include "lint/value.h"

/* Types apart by "|" ("?": there are paths of which nothing is known, "none": no types), then what else there is:
 * `=constant`, whole, fraction, huge, element, from=keys+argv+literal+reply+computed+time+pcall (unless `plain`),
 * reply=, key=, is=builtin, is=KEYS, is=ARGV, is=function, shape=whole+list+fields+hole. */
void flow_show(const struct lint_value *value, bool origins, char *out, size_t room);

/* Runs data flow over a source and shows the first argument of each call of the globals `see`, of which nothing is
 * known, and `rawequal`, which changes nothing, apart by "; ". */
bool flow_see(const char *source, enum lint_source_kind kind, bool origins, char *out, size_t room);

#endif
