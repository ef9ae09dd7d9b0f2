# made by tools/gen-cli from the table of options (src/enclave/plain/plain_option_rows.h)
_mse_serve()
{
	local choices current="${COMP_WORDS[COMP_CWORD]}" option="${COMP_WORDS[COMP_CWORD-1]}"
	[[ $option != "=" ]] || option="${COMP_WORDS[COMP_CWORD-2]}"
	if [[ $current == "=" ]]; then
		current=""
	fi
	case "$option" in
	--interface) choices="auto wsgi asgi" ;;
	--access-log) choices="none common combined json" ;;
	--proxy) choices="none optional required" ;;
	--bind|--socket-mode|--socket-group|--app-dir|--venv|--root-path|--threads|--workers|--access-log-file|--max-requests|--forwarded-allow-ips|--graceful-timeout|--request-timeout|--exit-timeout|--reload-include|--cert|--key|--connections|--queue|--target-max|--header-bytes-max|--headers-max|--chunk-extension-max|--trailer-max|--rate-min|--body-max|--header-timeout|--body-timeout|--idle-timeout|--write-timeout|--stream-waits|--http2-memory|--http2-streams|--http2-header-table|--http2-continuations|--http2-resets|--http2-pings|--http2-settings|--http2-empty-data|--http2-window-updates|--http2-others|--http2-window|--http2-acks|--http2-queue|--websocket-max|--websocket-fragments|--websocket-controls|--websocket-queue|--websocket-queue-bytes|--websocket-ping|--websocket-pong-timeout|--websocket-close-timeout) return ;;
	*) choices="--bind --socket-mode --socket-group --app-dir --venv --interface --root-path --threads --workers --access-log --access-log-file --max-requests --proxy --forwarded-allow-ips --graceful-timeout --request-timeout --exit-timeout --factory --reload --reload-include --cert --key --connections --queue --target-max --header-bytes-max --headers-max --chunk-extension-max --trailer-max --rate-min --body-max --header-timeout --body-timeout --idle-timeout --write-timeout --stream-waits --http2-memory --http2-streams --http2-header-table --http2-continuations --http2-resets --http2-pings --http2-settings --http2-empty-data --http2-window-updates --http2-others --http2-window --http2-acks --http2-queue --websocket-max --websocket-fragments --websocket-controls --websocket-queue --websocket-queue-bytes --websocket-ping --websocket-pong-timeout --websocket-close-timeout --help --version" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}
complete -o default -F _mse_serve mse-serve
