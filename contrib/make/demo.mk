# The demo. Started as root it builds and runs as an unprivileged user; contrib/unpriv says how.

## demo: install what is missing, build, and show the main job with a scripted agent in a minute
demo:
	@contrib/bootstrap build
	@contrib/unpriv --bring build sh -c '$(MAKE) -s -j2 all && contrib/demo/run'

.PHONY: demo
