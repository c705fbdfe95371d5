/* Sources that need nearly all of a function's 250 registers at once, or one more. */
#include "lua_grammar_parts.h"

static uint32_t below(struct lua_text *t, uint32_t n)
{
    return dice_below(&t->dice, n);
}

void lua_add_atoms(struct lua_text *t, uint32_t count)
{
    static const char *const atoms[] = {
        "1",     "g",     "'s'", "nil",  "v1",      "x.y",
        "not g", "f()",   "{}",  "g==1", "g and 2", "function() end",
        "1+1",   "x[v2]", "-g",  "true", "g..1",    "g or 1<g"};
    const char *mostly = atoms[below(t, 8)];
    for (uint32_t i = 0; i < count; i++)
        lua_add(t, "%s%s", i ? "," : "", lua_chance(t, 8) ? atoms[below(t, 18)] : mostly);
}

/* An expression that wants this many registers at once, or nearly. */
static void add_pressure(struct lua_text *t, uint32_t left, uint32_t depth)
{
    if (left < 2 || depth > 180) {
        lua_add_atoms(t, 1);
        return;
    }
    uint32_t way = below(t, 12), n = 1 + below(t, left < 80 ? left - 1 : 79);
    static const char *const open[] = {"g+(", "g..", "x[", "(", "#", "g<", "{x=", "g-1^"};
    static const char *const close[] = {")", "", "]", ")==g", "", "", "}", ""};
    if (way < 8) {
        lua_add(t, "%s", open[way]);
        add_pressure(t, left - 1, depth + 1);
        lua_add(t, "%s", close[way]);
        return;
    }
    bool first = way == 11;
    if (way == 8)
        n = n > 49 ? 49 : n;
    lua_add(t, way == 8 ? "{" : way == 9 ? "x:m(" : "f(");
    if (!first)
        lua_add_atoms(t, n);
    lua_add(t, first ? "" : ",");
    add_pressure(t, left > n ? left - n : 1, depth + 1);
    lua_add(t, first ? "," : "");
    if (first)
        lua_add_atoms(t, n);
    lua_add(t, way == 8 ? "}" : ")");
}

void lua_write_registers(struct lua_text *t)
{
    static const char *const forms[] = {
        "return ", "return g,g,g,", "local z=",    "x=", "x[g]=", "v1,g,x[g]=1,g,",
        "if ",     "for i=g,",      "for k in g,", "f(", "v1="};
    static const char *const ends[] = {"",          "",          "",        "",  "", "",
                                       " then end", ",g do end", " do end", ")", ""};
    uint32_t locals = below(t, 200), form = below(t, 11), goal = lua_near(t, 250, 6);
    lua_add_locals(t, locals);
    if (lua_chance(t, 4) && locals < 190) {
        lua_add(t, "for i=1,2 do ");
        lua_add(t, "%s", forms[form]);
        add_pressure(t, goal - locals - 4, 0);
        lua_add(t, "%s end", ends[form]);
        return;
    }
    lua_add(t, "%s", forms[form]);
    add_pressure(t, goal - locals, 0);
    lua_add(t, "%s", ends[form]);
}

void lua_write_arguments(struct lua_text *t)
{
    static const char *const calls[] = {"f(",    "x:m(", "return f(",   "local z=x.y(",
                                        "f(g)(", "v1(",  "return x:m(", "f(g,f("};
    uint32_t locals = lua_chance(t, 2) ? below(t, 200) : below(t, 3), call = below(t, 8);
    lua_add_locals(t, locals);
    lua_add(t, "%s", calls[call]);
    lua_add_atoms(t, lua_near(t, 248 - locals, 4));
    lua_add(t, lua_chance(t, 4) ? ",..." : lua_chance(t, 3) ? ",f()" : "");
    lua_add(t, call == 7 ? "))" : ")");
}

void lua_write_returned(struct lua_text *t)
{
    uint32_t locals = lua_chance(t, 2) ? below(t, 200) : below(t, 3);
    lua_add_locals(t, locals);
    lua_add(t, lua_chance(t, 2) ? "return " : lua_chance(t, 2) ? "x=" : "x,y[1],z=");
    lua_add_atoms(t, lua_near(t, 250 - locals, 3));
    lua_add(t, lua_chance(t, 4) ? ",..." : "");
}

void lua_write_items(struct lua_text *t)
{
    uint32_t locals = lua_chance(t, 3) ? 0 : below(t, 200), left = 249 - locals, depth = 0;
    left = lua_near(t, left < 4 ? 4 : left, 4);
    lua_add_locals(t, locals);
    lua_add(t, lua_chance(t, 2) ? "return " : "x=");
    while (left > 1 && depth < 150) {
        uint32_t n = lua_chance(t, 2) ? 47 + below(t, 6) : 1 + below(t, 110);
        uint32_t pending = n % 50 ? n % 50 : 50;
        if (pending + 1 > left)
            break;
        lua_add(t, "{");
        lua_add_atoms(t, n);
        lua_add(t, lua_chance(t, 3) ? ",[g]=" : ",");
        left -= pending + 1;
        depth++;
    }
    lua_add(t, "{");
    lua_add_atoms(t, left ? left : 1);
    lua_add(t, lua_chance(t, 3) ? ",...}" : "}");
    lua_add_times(t, depth, "}");
}

/* Operators that keep what is on their left in a register. */
void lua_write_chain(struct lua_text *t)
{
    static const char *const links[] = {"g..",  "g^",   "g+g*(g-", "g..1 ..",
                                        "v1..", "{g..", "(g+g)..", "-g^"};
    uint32_t locals = 60 + below(t, 140), link = below(t, 8);
    uint32_t goal = lua_near(t, 250 - locals, 4), times = link == 2   ? goal / 3
                                                          : link == 3 ? goal / 2
                                                                      : goal;
    lua_add_locals(t, locals);
    lua_add(t, lua_chance(t, 2) ? "return " : "g=");
    lua_add_times(t, times, links[link]);
    lua_add(t, "g");
    lua_add_times(t, link == 2 || link == 5 ? times : 0, link == 2 ? ")" : "}");
}
