/* A source, some rules made up for a test, and what they say of it. */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include "lint/engine.h"

enum { RIG_ROOM = 1 << 16 };

struct rig {
    struct engine *engine;
    struct arena arena;
    struct lint_tree tree;
    struct engine_source source; /* to be changed before rig_run */
    uint32_t left;               /* findings that are taken before `report` says no */
    char said[RIG_ROOM];         /* "rule severity offset-finish message\n" for each */
    size_t size;
};

/* An engine with the library's bounds, or these. */
void rig_open(struct rig *rig);
void rig_open_bounded(struct rig *rig, size_t memory, uint64_t steps);
void rig_close(struct rig *rig);
/* A rule of severity warning whose `check(lint)` has this body. */
void rig_rule(struct rig *rig, const char *name, const char *body);
/* The same, as a source. */
void rig_rule_text(char *out, size_t room, const char *severity, const char *body);
/* Parses a source, and follows its values. */
void rig_parse(struct rig *rig, const char *source);
/* Runs the rules over what was parsed last. False: engine_run said so. */
bool rig_run(struct rig *rig);
/* All at once: opens, adds one rule "r", runs it; what it says is in rig->said. */
void rig_look(struct rig *rig, const char *body, const char *source);

#endif
