//! `kubectl extsecret doctor`

use super::consumers::print;
use crate::cli::DoctorArgs;
use crate::cluster::Cluster;
use crate::doctor::{self, State};
use crate::exit::Exit;
use crate::output;
use crate::tty;

pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let sections = doctor::examine(&cluster)?;
    let problems = doctor::count(&sections, State::Problem);
    if let Some(format) = args.output {
        print(format, doctor::document(&sections))?;
    } else {
        let tree = doctor::tree(&sections, "Doctor".to_owned());
        output::stdout(&output::tree::text(&tree, tty::stdout_width()))?;
        let number = |state| doctor::count(&sections, state);
        output::stderr(&format!(
            "{problems} problem{}, {} to look at, {} unknown\n",
            if problems == 1 { "" } else { "s" },
            number(State::Attention),
            number(State::Unknown),
        ));
    }
    Ok(if problems > 0 { Exit::Refused } else { Exit::Success })
}
