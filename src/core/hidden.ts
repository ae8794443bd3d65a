/** Names that begin with a dot: those that tools keep, and those that hide something. */

/** Folders with a dot that tools of developers and users run programs from. */
const dotted = /\/\.(?:cargo|rustup|nvm|npm|npm-global|yarn|pnpm-store|pnpm|bun|deno|volta|fnm|asdf|pyenv|rbenv|rvm|goenv|jenv|sdkman|local|cache|config|venv|virtualenvs|env|tox|nox|bin|gem|gradle|m2|ivy2|sbt|konan|dotnet|nuget|composer|kube|krew|docker|vscode-server|vscode-server-insiders|vscode|cursor-server|cursor|windsurf-server|trae-server|jetbrains|theia|oh-my-zsh|fzf|tmux|vim|emacs\.d|linuxbrew|nix-profile|nix-defexpr|conda|mamba|julia|ghcup|cabal|stack|opam|elan|luarocks|cpan|cpanm|plenv|perl5|terraform|terraform\.d|tfenv|pulumi|aws|azure|gcloud|acme\.sh|foundry|bazel|hermit|proto|mise|rye|uv|poetry|husky|git|githooks|snapshots|pm2|meteor|n|build-id|next|nuxt|output|turbo|steam|wine|mozilla|mount_\w+)(?=\/)/;
const bin = /\/node_modules\/\.(?:bin|pnpm|cache)\//;

/** Behind a dot, in none of the folders that tools keep there. */
export function isHidden(path: string): boolean {
  if (!path.includes('/.')) return false;
  // The first dotted folder decides: what a tool keeps below its own is its own.
  const at = path.indexOf('/.');
  if (bin.test(path)) return false;
  const found = dotted.exec(path);
  return found === null || found.index > at;
}
