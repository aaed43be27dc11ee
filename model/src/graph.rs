//! The graph of what can be reached, small enough for a hundred million states.

/// States by their prints, and the steps between them. There must be fewer than 2^32 of either.
pub(crate) struct Graph {
    /// In order.
    prints: Vec<u64>,
    /// Where the prints that begin with the same bits begin.
    starts: Vec<u32>,
    /// How many bits are left behind these.
    shift: u32,
    /// From and to.
    steps: Vec<(u32, u32)>,
}

/// For each state, those that lead to it.
pub(crate) struct Backwards<'a> {
    graph: &'a Graph,
    /// Where each state's begin.
    starts: Vec<u32>,
    from: Vec<u32>,
    /// States that were reached so far.
    reached: Vec<bool>,
}

impl Graph {
    /// These states and no steps; a state may be given twice.
    pub(crate) fn new(mut prints: Vec<u64>) -> Self {
        prints.sort_unstable();
        prints.dedup();
        let bits = prints.len().max(2).ilog2();
        let shift = u64::BITS - bits;
        let mut starts = vec![0; (1 << bits) + 1];
        prints.iter().for_each(|print| starts[(print >> shift) as usize + 1] += 1);
        add_up(&mut starts);
        Self { prints, starts, shift, steps: Vec::new() }
    }

    /// Adds steps. Those of states that were not visited are left out.
    pub(crate) fn join(&mut self, steps: Vec<(u64, u64)>) {
        let known = |(from, to): (u64, u64)| Some((self.place(from)?, self.place(to)?));
        let known: Vec<_> = steps.into_iter().filter_map(known).collect();
        self.steps.extend(known);
    }

    /// How many states there are.
    pub(crate) fn states(&self) -> usize {
        self.prints.len()
    }

    /// The graph the other way round.
    pub(crate) fn backwards(&self) -> Backwards<'_> {
        let mut starts = vec![0u32; self.states() + 1];
        self.steps.iter().for_each(|(_, to)| starts[*to as usize + 1] += 1);
        add_up(&mut starts);
        let (mut places, mut from) = (starts.clone(), vec![0; self.steps.len()]);
        for (before, to) in &self.steps {
            let place = &mut places[*to as usize];
            from[*place as usize] = *before;
            *place += 1;
        }
        Backwards { graph: self, starts, from, reached: vec![false; self.states()] }
    }

    fn place(&self, print: u64) -> Option<u32> {
        let first = (print >> self.shift) as usize;
        let (start, end) = (self.starts[first], self.starts[first + 1]);
        let alike = &self.prints[start as usize..end as usize];
        (start..).zip(alike).find_map(|(place, known)| (*known == print).then_some(place))
    }
}

impl Backwards<'_> {
    /// Follows the steps back from these states; how many states that is which were not reached
    /// before.
    pub(crate) fn follow(&mut self, ends: impl IntoIterator<Item = u64>) -> usize {
        let places = ends.into_iter().filter_map(|print| self.graph.place(print));
        let mut waiting: Vec<u32> = places.collect();
        let mut count = 0;
        while let Some(state) = waiting.pop() {
            let state = state as usize;
            if !std::mem::replace(&mut self.reached[state], true) {
                count += 1;
                let (start, end) = (self.starts[state], self.starts[state + 1]);
                waiting.extend(&self.from[start as usize..end as usize]);
            }
        }
        count
    }

    /// The prints of the states that were not reached.
    pub(crate) fn others(&self) -> impl Iterator<Item = u64> {
        let states = self.graph.prints.iter().zip(&self.reached);
        states.filter_map(|(print, reached)| (!reached).then_some(*print))
    }
}

/// From counts, each one place on, to where each begins.
fn add_up(counts: &mut [u32]) {
    let mut sum = 0;
    for count in counts {
        sum += *count;
        *count = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Prints as far apart as real ones are.
    fn far(state: u64) -> u64 {
        state.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn graph(states: u64, steps: &[(u64, u64)]) -> Graph {
        let mut graph = Graph::new((0..states).chain(0..states).map(far).collect());
        graph.join(steps.iter().map(|(from, to)| (far(*from), far(*to))).collect());
        graph
    }

    #[test]
    fn what_leads_to_an_end_is_found_through_cycles_and_what_does_not_is_told() {
        // 0 and 1 go round and may leave for 2; 3 and 4 go round for ever; 5 goes to both.
        let graph = graph(6, &[(0, 1), (1, 0), (1, 2), (3, 4), (4, 3), (5, 3), (5, 2)]);
        let mut backwards = graph.backwards();
        assert_eq!(backwards.follow([far(2)]), 4);
        let mut others: Vec<_> = backwards.others().collect();
        others.sort_unstable();
        let mut expected = [far(3), far(4)];
        expected.sort_unstable();
        assert_eq!(others, expected);
        assert_eq!(backwards.follow([far(4), far(4), far(0)]), 2, "what was not reached before");
        assert_eq!(backwards.others().count(), 0);
    }

    #[test]
    fn a_step_to_what_was_never_visited_leads_nowhere() {
        let graph = graph(2, &[(0, 7), (0, 1)]);
        let mut backwards = graph.backwards();
        assert_eq!((graph.states(), backwards.follow([far(7)])), (2, 0));
    }
}
