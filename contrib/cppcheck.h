/*
 * cppcheck.h - the loops of jansson and the lists of sys/queue.h in words that cppcheck understands without
 * their headers. Put before each file by `make analyze`, and used nowhere else. (Not as -D'NAME(a)=...':
 * cppcheck 2.10 takes that without a word, and then looks at nothing.)
 */
#define json_object_foreach(o, k, v) for (k = key_of(o); (v = value_of(o, k)) != 0;)
#define json_array_foreach(a, i, v)  for (i = 0; (v = json_array_get(a, i)) != 0; i++)
#define LIST_HEAD(name, type)        struct name { struct type *first; }
#define TAILQ_HEAD(name, type)       LIST_HEAD(name, type)
#define LIST_FOREACH(v, head, at)    for (v = (head)->first; v; v = next_of(v))
#define TAILQ_FOREACH(v, head, at)   LIST_FOREACH(v, head, at)
