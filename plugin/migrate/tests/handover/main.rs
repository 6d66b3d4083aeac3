//! The decisions of a hand-over in a world in which everybody else acts at any moment: KES, its pods,
//! the new controller, garbage collection, people, and the end of the process that decides.
//!
//! Whatever the order, the Secret is never lost; and once people leave it alone, the hand-over ends,
//! and so does the way back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use extsecret_migrate::handover::{
    Installation, Next, Settings, Step, Wait, Write, back, compare, forward,
};
use proptest::prelude::*;

use world::{Event, NATURE, World, pair, wanted};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forward,
    Back,
}

/// Decides once, and does it after what happens meanwhile. True if nothing is left to do.
fn turn(world: &mut World, way: Way, settings: Settings, meanwhile: &[Event]) -> bool {
    let facts = world.facts();
    let next = match way {
        Way::Back => back(&facts, true),
        Way::Forward => {
            let decide = |kes: &Installation| {
                forward(&pair(), &wanted(), &facts, kes, settings, Step::Retire)
            };
            let next = decide(&Installation::default());
            // As the plugin does: KES is looked for last, and only where it matters.
            if facts.old.is_some() && next.needs_quiet(Step::Retire) {
                decide(&world.kes())
            } else {
                next
            }
        }
    };
    for event in meanwhile {
        world.happens(*event);
    }
    match next {
        Next::Done => return true,
        Next::Write(write) => world.write(&write),
        Next::Compare => world.checked = compare(&facts, settings).ok(),
        Next::StopKes => world.stop_kes(),
        Next::Wait(Wait::Adoption) => {
            if let Some(new) = &facts.new {
                world.write(&Write::Touch { uid: new.uid.clone() });
            }
        }
        Next::Wait(_) | Next::Stop(_) => {}
    }
    false
}

/// Goes on while only nature acts, until it is over.
fn ends(world: &mut World, way: Way, settings: Settings) {
    if way == Way::Back {
        // As after the last Secret: KES runs again.
        world.start_kes();
    }
    for _ in 0..100 {
        let done = turn(world, way, settings, &[]);
        if done && (if way == Way::Forward { world.is_over() } else { world.is_back() }) {
            return;
        }
        for event in NATURE {
            world.happens(event);
        }
    }
    panic!("{way:?} does not end: {:?} in {world:?}", world.facts());
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => prop::sample::select(NATURE.to_vec()),
        1 => Just(Event::PersonScalesUp),
        1 => Just(Event::PersonUnparks),
        1 => Just(Event::PersonDeletesNew),
        1 => Just(Event::PluginDies),
    ]
}

/// While a change is on its way nobody both starts KES and gives it the object back.
fn meanwhile() -> impl Strategy<Value = Vec<Event>> {
    let nature = prop::sample::select(NATURE.to_vec());
    let event = prop_oneof![6 => nature, 1 => Just(Event::PersonScalesUp)];
    prop::collection::vec(event, 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_loses_the_secret(
        script in prop::collection::vec(
            (prop::collection::vec(event(), 0..4), meanwhile(), prop::bool::weighted(0.1)),
            0..40,
        ),
        hard_demote in any::<bool>(),
    ) {
        let settings = Settings { hard_demote, ..Settings::default() };
        let (mut world, mut way) = (World::new(), Way::Forward);
        for (before, meanwhile, turns) in script {
            for event in before {
                world.happens(event);
            }
            if turns {
                way = if way == Way::Forward { Way::Back } else { Way::Forward };
            }
            turn(&mut world, way, settings, &meanwhile);
        }
        let mut other = world.clone();
        ends(&mut world, Way::Forward, settings);
        ends(&mut world, Way::Back, settings);
        ends(&mut other, Way::Back, settings);
        ends(&mut other, Way::Forward, settings);
    }
}
