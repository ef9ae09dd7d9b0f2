# made by tools/gen-cli from the table of commands (src/cli/cmd_table.c)
_mse()
{
	local word path="" choices="" i
	for ((i = 1; i < COMP_CWORD; i++)); do
		word="${COMP_WORDS[i]}"
		[[ $word == -* ]] || path="${path:+$path }$word"
	done
	case "$path" in
	"") choices="attest cloud connect context deploy image init list localtest login logout logs scaffold sgx status stop test trust verify" ;;
	"attest") choices="bundle fresh show verify watch" ;;
	"attest bundle") choices="--allow-simulation --collateral --color --help --host --json --offline --output --pccs --quote --ratls --refresh --report --servername --trust-root --version" ;;
	"attest fresh") choices="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --context --from --help --host --json --libpal --measurement --offline --owner-key --pccs --policy --release --role --save --servername --tickets-from --time --trust-root --version" ;;
	"attest show") choices="--color --help --json --version" ;;
	"attest verify") choices="--allow-debug --allow-missing-crl --allow-simulation --bundle --collateral --color --help --host --json --max-age --measurement --offline --pccs --policy --quote --ratls --report --report-data --servername --time --trust-root --version" ;;
	"attest watch") choices="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --context --exec --failures --help --interval --json --libpal --measurement --metrics --offline --once --owner-key --pccs --policy --release --role --tickets-from --trust-root --verbose --version --webhook --webhook-file" ;;
	"cloud") choices="connect context deploy init list localtest login logout logs scaffold status stop test trust verify" ;;
	"cloud connect") choices="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --connections --context --expose --fingerprint --help --json --libpal --listen --max-age --measurement --offline --pccs --policy --release --speaks --tcp --trust-root --version --wait" ;;
	"cloud context") choices="--color --export --help --json --list --output --purge --remove --version" ;;
	"cloud deploy") choices="--allow-simulation --color --help --json --no-verify --path --pccs --stop-first --timeout --untrusted-ssl --version --workspace --yes" ;;
	"cloud init") choices="--color --help --version" ;;
	"cloud list") choices="--all --color --help --json --version" ;;
	"cloud localtest") choices="--color --help --no-tests --path --version" ;;
	"cloud login") choices="--color --device --help --json --token-stdin --version --whoami" ;;
	"cloud logout") choices="--color --help --version" ;;
	"cloud logs") choices="--color --help --version" ;;
	"cloud scaffold") choices="--color --help --version" ;;
	"cloud status") choices="--color --help --json --version" ;;
	"cloud stop") choices="--color --help --version --yes" ;;
	"cloud test") choices="--color --help --version" ;;
	"cloud trust") choices="add add-publisher list remove remove-publisher" ;;
	"cloud trust add") choices="--color --fingerprint --help --version --yes" ;;
	"cloud trust add-publisher") choices="--color --help --version" ;;
	"cloud trust list") choices="--color --help --json --version" ;;
	"cloud trust remove") choices="--color --help --version" ;;
	"cloud trust remove-publisher") choices="--color --help --version" ;;
	"cloud verify") choices="--allow-simulation --code --color --context --fingerprint --help --json --pccs --verbose --version --workspace" ;;
	"connect") choices="--allow-debug --allow-missing-crl --allow-simulation --code --collateral --color --connections --context --expose --fingerprint --help --json --libpal --listen --max-age --measurement --offline --pccs --policy --release --speaks --tcp --trust-root --version --wait" ;;
	"context") choices="--color --export --help --json --list --output --purge --remove --version" ;;
	"deploy") choices="--allow-simulation --color --help --json --no-verify --path --pccs --stop-first --timeout --untrusted-ssl --version --workspace --yes" ;;
	"image") choices="bill key sign verify" ;;
	"image bill") choices="--color --help --json --output --runtime --version" ;;
	"image key") choices="--color --help --version" ;;
	"image sign") choices="--color --help --key --output --version" ;;
	"image verify") choices="--color --help --json --runtime --signature --version" ;;
	"init") choices="--color --help --version" ;;
	"list") choices="--all --color --help --json --version" ;;
	"localtest") choices="--color --help --no-tests --path --version" ;;
	"login") choices="--color --device --help --json --token-stdin --version --whoami" ;;
	"logout") choices="--color --help --version" ;;
	"logs") choices="--color --help --version" ;;
	"scaffold") choices="--color --help --version" ;;
	"sgx") choices="measure" ;;
	"sgx measure") choices="--color --help --json --libpal --manifest --version" ;;
	"status") choices="--color --help --json --version" ;;
	"stop") choices="--color --help --version --yes" ;;
	"test") choices="--color --help --version" ;;
	"trust") choices="add add-publisher list remove remove-publisher" ;;
	"trust add") choices="--color --fingerprint --help --version --yes" ;;
	"trust add-publisher") choices="--color --help --version" ;;
	"trust list") choices="--color --help --json --version" ;;
	"trust remove") choices="--color --help --version" ;;
	"trust remove-publisher") choices="--color --help --version" ;;
	"verify") choices="--allow-simulation --code --color --context --fingerprint --help --json --pccs --verbose --version --workspace" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$choices" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _mse mse
