# Manual pages and the completion: the program writes both from the tables that it runs by.
all: $(B)/man/pages $(B)/completions/yardmaster

# One roff file a page; `pages` lists them and is written last.
$(B)/man/pages: $(B)/yardmaster
	@mkdir -p $(@D)
	@rm -f $(@D)/*.1
	$(B)/yardmaster man >$@.tmp
	@set -e; while read -r page; do \
		$(B)/yardmaster man "$$page" >"$(@D)/$$page.1"; \
	done <$@.tmp
	@mv $@.tmp $@

$(B)/completions/yardmaster: $(B)/yardmaster
	@mkdir -p $(@D)
	$(B)/yardmaster completion bash >$@.tmp
	@mv $@.tmp $@
