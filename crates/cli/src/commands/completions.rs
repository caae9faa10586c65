use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use crate::{Cli, out::print};

const WHERE_TO: &str = "\
In ~/.bashrc:        source <(astralform completions bash)
For zsh, in fpath:   astralform completions zsh > ~/.zfunc/_astralform
For fish:            astralform completions fish > ~/.config/fish/completions/astralform.fish";

#[derive(Args)]
#[command(after_help = WHERE_TO)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "astralform", &mut script);
        print(String::from_utf8(script)?.trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
