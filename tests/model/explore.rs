//! Our own walk over the same model, for what stateright does not answer: whether a settled world can be reached from
//! every world once nothing goes wrong any more (its `eventually` is not sound where there are cycles).

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

use stateright::Model;

use super::{Operators, settled::is_settled, step::Step, world::World};

/// Everything that can be reached, and how.
pub struct Explored {
    /// By number: from which world, by the how-manieth of its steps.
    came: Vec<(u32, u8)>,
    pub settled: usize,
    pub steps: usize,
    /// A world from which no settled one can be reached.
    stuck: Option<u32>,
    /// A world in which something is broken.
    broken: Option<u32>,
}

impl Explored {
    pub fn worlds(&self) -> usize {
        self.came.len()
    }

    pub fn stuck(&self, model: &Operators) -> Option<Vec<(Step, World)>> {
        self.stuck.map(|world| self.path(model, world))
    }

    pub fn broken(&self, model: &Operators) -> Option<Vec<(Step, World)>> {
        self.broken.map(|world| self.path(model, world))
    }

    /// The steps that lead to a world: the shortest.
    fn path(&self, model: &Operators, mut world: u32) -> Vec<(Step, World)> {
        let mut choices = Vec::new();
        while world != 0 {
            let (from, choice) = self.came[world as usize];
            choices.push(choice);
            world = from;
        }
        let mut at = model.init_states()[0];
        let mut path = Vec::new();
        for choice in choices.into_iter().rev() {
            let mut steps = Vec::new();
            model.actions(&at, &mut steps);
            let step = steps[usize::from(choice)];
            at = model.next_state(&at, step).unwrap();
            path.push((step, at));
        }
        path
    }
}

/// Not stateright's: that both count the same number of worlds says that neither has taken two for one.
fn fingerprint(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

/// Walks through everything. `progress` is told how many worlds are known and how many of them were looked at.
pub fn explore(
    model: &Operators,
    stop_when_broken: bool,
    mut progress: impl FnMut(usize, usize),
) -> Explored {
    let start = model.init_states()[0];
    let mut known: HashMap<u64, u32> = HashMap::from([(fingerprint(&start), 0)]);
    let mut explored = Explored { came: vec![(0, 0)], settled: 0, steps: 0, stuck: None, broken: None };
    let mut is_goal = vec![is_settled(model, &start)];
    // Steps that are no faults, by where they lead: what the way back needs.
    let mut edges: Vec<(u32, u32)> = Vec::new();
    let mut waiting = VecDeque::from([(0u32, start)]);
    let mut steps = Vec::new();
    let mut done = 0;
    while let Some((number, world)) = waiting.pop_front() {
        if stop_when_broken && explored.broken.is_some() {
            return explored;
        }
        steps.clear();
        model.actions(&world, &mut steps);
        for (choice, step) in steps.iter().enumerate() {
            let Some(next) = model.next_state(&world, *step) else { continue };
            explored.steps += 1;
            let new = u32::try_from(known.len()).unwrap();
            let next_number = *known.entry(fingerprint(&next)).or_insert(new);
            if next_number == new {
                explored.came.push((number, u8::try_from(choice).unwrap()));
                is_goal.push(is_settled(model, &next));
                if next.broken.any() {
                    explored.broken.get_or_insert(new);
                }
                waiting.push_back((new, next));
            }
            if !step.is_fault() {
                edges.push((next_number, number));
            }
        }
        done += 1;
        if done % 4096 == 0 {
            progress(known.len(), done);
        }
    }
    drop(known);
    explored.settled = is_goal.iter().filter(|goal| **goal).count();
    explored.stuck = unreachable(is_goal, edges);
    explored
}

/// Backwards from the settled worlds; the first world that is not met.
fn unreachable(is_goal: Vec<bool>, mut edges: Vec<(u32, u32)>) -> Option<u32> {
    edges.sort_unstable();
    edges.dedup();
    let mut first = vec![0u32; is_goal.len() + 1];
    for (to, _) in &edges {
        first[*to as usize + 1] += 1;
    }
    for at in 1..first.len() {
        first[at] += first[at - 1];
    }
    let mut met = is_goal;
    let mut waiting: Vec<u32> =
        (0u32..).zip(&met).filter(|(_, goal)| **goal).map(|(number, _)| number).collect();
    while let Some(number) = waiting.pop() {
        let into = first[number as usize] as usize..first[number as usize + 1] as usize;
        for (_, from) in &edges[into] {
            if !std::mem::replace(&mut met[*from as usize], true) {
                waiting.push(*from);
            }
        }
    }
    let stuck = met.iter().position(|met| !met)?;
    u32::try_from(stuck).ok()
}
