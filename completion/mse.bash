# made by tools/gen-cli from the table of commands (src/cli/cmd_table.c)
_mse()
{
	local -A next=(
		["mse"]="attest cloud connect context deploy image init list localtest login logout logs scaffold sgx status stop test trust verify"
		["mse attest"]="bundle fresh show verify watch"
		["mse cloud"]="connect context deploy init list localtest login logout logs scaffold status stop test trust verify"
		["mse cloud trust"]="add add-publisher list remove remove-publisher"
		["mse image"]="bill key sign verify"
		["mse sgx"]="measure"
		["mse trust"]="add add-publisher list remove remove-publisher"
	) options=(
		["mse"]="--color --help --version"
		["mse attest"]="--color --help --version"
		["mse attest bundle"]="--allow-simulation --collateral --color --help --host --json --offline --output --pccs --quote --ratls --refresh --report --servername --trust-root --version"
		["mse attest fresh"]="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --context --from --help --host --json --libpal --measurement --offline --owner-key --pccs --policy --release --role --save --servername --tickets-from --time --trust-root --version"
		["mse attest show"]="--color --help --json --version"
		["mse attest verify"]="--allow-debug --allow-missing-crl --allow-simulation --bundle --collateral --color --help --host --json --max-age --measurement --offline --pccs --policy --quote --ratls --report --report-data --servername --time --trust-root --version"
		["mse attest watch"]="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --context --exec --failures --help --interval --json --libpal --measurement --metrics --offline --once --owner-key --pccs --policy --release --role --tickets-from --trust-root --verbose --version --webhook --webhook-file"
		["mse cloud"]="--color --help --version"
		["mse cloud connect"]="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --connections --context --expose --fingerprint --help --json --libpal --listen --max-age --measurement --offline --pccs --policy --release --speaks --tcp --trust-root --version --wait"
		["mse cloud context"]="--color --export --help --json --list --output --purge --remove --version"
		["mse cloud deploy"]="--allow-simulation --color --help --json --no-verify --path --pccs --stop-first --timeout --untrusted-ssl --version --workspace --yes"
		["mse cloud init"]="--color --help --version"
		["mse cloud list"]="--all --color --help --json --version"
		["mse cloud localtest"]="--color --help --no-tests --path --version"
		["mse cloud login"]="--color --device --help --json --token-stdin --version --whoami"
		["mse cloud logout"]="--color --help --version"
		["mse cloud logs"]="--color --help --version"
		["mse cloud scaffold"]="--color --help --version"
		["mse cloud status"]="--color --help --json --version"
		["mse cloud stop"]="--color --help --version --yes"
		["mse cloud test"]="--color --help --version"
		["mse cloud trust"]="--color --help --version"
		["mse cloud trust add"]="--color --fingerprint --help --version --yes"
		["mse cloud trust add-publisher"]="--color --help --version"
		["mse cloud trust list"]="--color --help --json --version"
		["mse cloud trust remove"]="--color --help --version"
		["mse cloud trust remove-publisher"]="--color --help --version"
		["mse cloud verify"]="--allow-simulation --code --color --context --fingerprint --help --json --pccs --verbose --version --workspace"
		["mse connect"]="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --connections --context --expose --fingerprint --help --json --libpal --listen --max-age --measurement --offline --pccs --policy --release --speaks --tcp --trust-root --version --wait"
		["mse context"]="--color --export --help --json --list --output --purge --remove --version"
		["mse deploy"]="--allow-simulation --color --help --json --no-verify --path --pccs --stop-first --timeout --untrusted-ssl --version --workspace --yes"
		["mse image"]="--color --help --version"
		["mse image bill"]="--color --help --json --output --runtime --version"
		["mse image key"]="--color --help --version"
		["mse image sign"]="--color --help --key --output --version"
		["mse image verify"]="--color --help --json --runtime --signature --version"
		["mse init"]="--color --help --version"
		["mse list"]="--all --color --help --json --version"
		["mse localtest"]="--color --help --no-tests --path --version"
		["mse login"]="--color --device --help --json --token-stdin --version --whoami"
		["mse logout"]="--color --help --version"
		["mse logs"]="--color --help --version"
		["mse scaffold"]="--color --help --version"
		["mse sgx"]="--color --help --version"
		["mse sgx measure"]="--color --help --json --libpal --manifest --version"
		["mse status"]="--color --help --json --version"
		["mse stop"]="--color --help --version --yes"
		["mse test"]="--color --help --version"
		["mse trust"]="--color --help --version"
		["mse trust add"]="--color --fingerprint --help --version --yes"
		["mse trust add-publisher"]="--color --help --version"
		["mse trust list"]="--color --help --json --version"
		["mse trust remove"]="--color --help --version"
		["mse trust remove-publisher"]="--color --help --version"
		["mse verify"]="--allow-simulation --code --color --context --fingerprint --help --json --pccs --verbose --version --workspace"
	)
	local at=mse current="${COMP_WORDS[COMP_CWORD]}" option="" choices="" ended="" word i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word="${COMP_WORDS[i]}"
		[[ $word != "=" ]] || continue
		if [[ $option ]]; then
			option=""
			continue
		fi
		case "$word" in
		--) return ;;
		--allow-simulation|--bundle|--code|--collateral|--color|--connections|--context|--exec|--export|--expose|--failures|--fingerprint|--from|--host|--interval|--key|--libpal|--listen|--manifest|--max-age|--measurement|--metrics|--output|--owner-key|--path|--pccs|--policy|--quote|--ratls|--refresh|--release|--remove|--report|--report-data|--role|--runtime|--save|--servername|--signature|--speaks|--tickets-from|--time|--timeout|--trust-root|--wait|--webhook|--webhook-file|--workspace) option="$word" ;;
		-*) ;;
		*)
			if [[ ! $ended && " ${next[$at]-} " == *" $word "* ]]; then
				at="$at $word"
			elif [[ ${next[$at]-} ]]; then
				return
			else
				ended=1
			fi
			;;
		esac
	done
	[[ ! $option || $current != "=" ]] || current=""
	case "$option" in
	"") choices="${next[$at]-} ${options[$at]}" ;;
	--color) choices="auto never always" ;;
	--role) choices="1 2" ;;
	esac
	[[ $option || $current == -* || ! ${next[$at]-} ]] || choices="${next[$at]}"
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}
complete -o default -F _mse mse
