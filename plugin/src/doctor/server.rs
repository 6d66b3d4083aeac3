//! The API server: which it is, what its clock says, and whether it encrypts what it stores.

use jiff::SignedDuration;

use super::{Check, Clocks, Section, State, encryption, end};
use crate::clock;
use crate::cluster::{Cluster, Server};
use crate::output::age;

/// Clocks of two machines, an answer that took its time, and a header without fractions: nobody can
/// tell less than this apart.
const EQUAL: SignedDuration = SignedDuration::from_secs(5);

/// AWS refuses requests whose time is further from its own.
const SIGNED: SignedDuration = SignedDuration::from_mins(5);

/// Asks for it.
pub(super) fn look(cluster: &Cluster) -> anyhow::Result<(Section, Clocks)> {
    let before = clock::now();
    let answer = match cluster.server() {
        Ok(server) => Ok(server),
        Err(error) if super::ends(&error) => return end(error),
        Err(error) => Err(error.short()),
    };
    let here = clock::now();
    let took = here.duration_since(before);
    let there = answer.as_ref().ok().and_then(|server| server.date);
    let encryption = encryption::look(cluster);
    let checks = vec![
        who(cluster.address(), &answer),
        skew(there.map(|it| it.duration_since(here)), took),
        encryption,
    ];
    let clocks = Clocks { here, there: there.unwrap_or(here) };
    Ok((Section { title: "Cluster", checks }, clocks))
}

fn who(address: &str, answer: &Result<Server, String>) -> Check {
    match answer {
        Ok(server) if server.version.is_empty() => {
            Check::new("server", State::Unknown, format!("{address} does not tell its version"))
        }
        Ok(server) => {
            Check::new("server", State::Ok, format!("Kubernetes {} at {address}", server.version))
        }
        Err(why) => Check::new("server", State::Unknown, format!("version of {address}: {why}")),
    }
}

/// How far the server's clock is ahead of this machine's, by an answer that took so long.
fn skew(ahead: Option<SignedDuration>, took: SignedDuration) -> Check {
    let Some(ahead) = ahead else {
        return Check::new("clock", State::Unknown, "clock: the API server does not tell its time");
    };
    // The answer was written some time between the question and now.
    let apart = ahead.abs().saturating_sub(took);
    if apart <= EQUAL {
        return Check::new("clock", State::Ok, "the clocks of API server and this machine agree");
    }
    let span = age::span(ahead.abs().as_secs());
    let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
    let text = format!("this machine's clock is {span} {direction} the API server's");
    if apart > SIGNED {
        return Check::new("clock", State::Problem, text)
            .and("AWS refuses requests that are signed with a time more than 5 minutes off")
            .and("if the API server's clock is the wrong one, the controllers' may be, too");
    }
    Check::new("clock", State::Attention, text).and("ages are counted by this machine's clock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_with_the_time_that_the_answer_took() {
        let state = |ahead, took| {
            let secs = SignedDuration::from_secs;
            skew(Some(secs(ahead)), secs(took)).state
        };
        assert_eq!(state(0, 0), State::Ok);
        assert_eq!(state(-5, 0), State::Ok);
        assert_eq!(state(-9, 0), State::Attention);
        assert_eq!(state(-9, 4), State::Ok);
        assert_eq!(state(300, 0), State::Attention);
        assert_eq!(state(301, 0), State::Problem);
        assert_eq!(skew(None, SignedDuration::ZERO).state, State::Unknown);
    }

    #[test]
    fn it_is_said_whose_clock_is_ahead() {
        let text =
            |seconds| skew(Some(SignedDuration::from_secs(seconds)), SignedDuration::ZERO).text;
        assert_eq!(text(60), "this machine's clock is 60s behind the API server's");
        assert_eq!(text(-60), "this machine's clock is 60s ahead of the API server's");
    }
}
